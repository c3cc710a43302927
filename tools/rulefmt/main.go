// Rulefmt checks Prometheus rule files as `promtool check rules` does: with Prometheus's own parser, PromQL and templates included.
// The whole of promtool brings the libraries of every cloud along, which takes minutes and gigabytes to build.
package main

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	bad := false
	for _, name := range os.Args[1:] {
		_, errs := rulefmt.ParseFile(name, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default())
		for _, err := range errs {
			fmt.Fprintln(os.Stderr, err)
			bad = true
		}
	}
	if bad {
		os.Exit(1)
	}
}
