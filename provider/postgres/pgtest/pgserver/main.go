// Command pgserver runs a throwaway PostgreSQL server in a temporary folder for as long as its
// standard input is open: the server ends and its folder goes with whoever asked for it, also when
// that is killed. The tests of both languages start it with `go run`.
//
// It answers with lines of JSON, first of the server, then one for each line that it reads: stop
// ends the server and cuts its connections, kill ends it as a crash does, run starts it again, own,
// with the name of a file in the data folder, gives that to the user that the server runs as, and
// standby starts a copy of the server that follows it, by streaming replication, and answers with its
// URL. It ends with the server; SQL promotes it.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
)

// answer is what the tests read; None says why there is no server to be had.
type answer struct {
	URL     string `json:"url,omitempty"`
	Version string `json:"version,omitempty"`
	Data    string `json:"data,omitempty"`
	None    string `json:"none,omitempty"`
	Error   string `json:"error,omitempty"`
}

func main() {
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(input io.Reader, output io.Writer) error {
	ends := make(chan os.Signal, 1)
	signal.Notify(ends, endSignals...)
	standApart()
	replies := json.NewEncoder(output)

	s, err := start()
	if errors.Is(err, errNone) {
		return replies.Encode(answer{None: err.Error()})
	}
	if err != nil {
		return replies.Encode(answer{Error: err.Error()})
	}
	lines := read(input)
	reply := answer{URL: s.url(), Version: s.binaries.version, Data: s.data()}
	for {
		// Nobody is left to read it when this fails, which is the end of the input too.
		if err := replies.Encode(reply); err != nil {
			return s.remove()
		}
		select {
		case <-ends:
			return s.remove()
		case line, ok := <-lines:
			if !ok {
				return s.remove()
			}
			reply = obey(s, line)
		}
	}
}

func read(input io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(input)
		for scanner.Scan() {
			lines <- scanner.Text()
		}
	}()
	return lines
}

func obey(s *server, line string) (reply answer) {
	verb, name, _ := strings.Cut(line, " ")
	err := fmt.Errorf("unknown line %q: write stop, kill, run, standby, or own and the name of a file", line)
	switch verb {
	case "stop":
		err = s.end(stopSignal)
	case "kill":
		err = s.end(quitSignal)
	case "run":
		err = s.run()
	case "standby":
		if s.standby, err = s.follow(); err == nil {
			reply.URL, reply.Data = s.standby.url(), s.standby.data()
		}
	case "own":
		err = giveAway(filepath.Join(s.data(), name))
	}
	if err != nil {
		reply.Error = err.Error()
	}
	return reply
}
