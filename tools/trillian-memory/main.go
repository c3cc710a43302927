// trillian-memory serves Trillian's log API from memory, with a sequencer in the same process: what a CT log and Rekor v1 need
// behind them. It makes one log for each further argument, named there as the file that gets the log's number.
package main

import (
	"context"
	"log"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	trillianlog "github.com/google/trillian/log"
	"github.com/google/trillian/monitoring"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage"
	_ "github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"github.com/google/trillian/util/election2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"
)

const sequenceEvery = 20 * time.Millisecond

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: trillian-memory HOST:PORT FILE...")
	}
	if err := serve(os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

func serve(address string, files []string) error {
	ctx := context.Background()
	metrics := monitoring.InertMetricFactory{}
	memory, err := storage.NewProvider("memory", metrics)
	if err != nil {
		return err
	}
	registry := extension.Registry{
		AdminStorage:    memory.AdminStorage(),
		LogStorage:      memory.LogStorage(),
		QuotaManager:    quota.Noop(),
		MetricFactory:   metrics,
		ElectionFactory: election2.NoopFactory{},
	}
	logs := server.NewTrillianLogRPCServer(registry, clock.System)
	rpc := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianLogServer(rpc, logs)

	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	makers := admin.New(registry, []trillian.TreeType{trillian.TreeType_LOG})
	for _, file := range files {
		id, err := create(ctx, makers, logs)
		if err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(strconv.FormatInt(id, 10)), 0o600); err != nil {
			return err
		}
	}
	sequencer := trillianlog.NewOperationManager(trillianlog.OperationInfo{
		Registry:    registry,
		BatchSize:   64,
		NumWorkers:  1,
		RunInterval: sequenceEvery,
		TimeSource:  clock.System,
	}, trillianlog.NewSequencerManager(registry, 0))
	go sequencer.OperationLoop(ctx)
	return rpc.Serve(listener)
}

func create(ctx context.Context, makers *admin.Server, logs *server.TrillianLogRPCServer) (int64, error) {
	tree, err := makers.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeType:        trillian.TreeType_LOG,
		TreeState:       trillian.TreeState_ACTIVE,
		MaxRootDuration: durationpb.New(0),
	}})
	if err != nil {
		return 0, err
	}
	_, err = logs.InitLog(ctx, &trillian.InitLogRequest{LogId: tree.TreeId})
	return tree.TreeId, err
}
