// timestamp-authority serves the project's own RFC 3161 API with a key from a file. Its own command cannot be used twice on a
// machine: it also serves metrics on port 2112 of every interface, which no option moves, and ends where that port is taken.
package main

import (
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"
)

const (
	timeout = 10 * time.Second
	policy  = "1.3.6.1.4.1.57264.2"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: timestamp-authority HOST:PORT KEY.pem CHAIN.pem")
	}
	host, digits, err := net.SplitHostPort(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	port, err := strconv.Atoi(digits)
	if err != nil {
		log.Fatal(err)
	}
	for name, value := range map[string]any{
		"timestamp-signer":         "file",
		"timestamp-signer-hash":    "sha384",
		"file-signer-key-path":     os.Args[2],
		"certificate-chain-path":   os.Args[3],
		"enforce-intermediate-eku": true,
		"default-policy-oid":       policy,
		"accepted-policy-oids":     []string{policy},
	} {
		viper.Set(name, value)
	}
	if err := server.NewRestAPIServer(host, port, []string{"http"}, false, timeout, timeout).Serve(); err != nil {
		log.Fatal(err)
	}
}
