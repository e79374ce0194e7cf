// Package main is the Go side of the border: a C library that a Node-API addon loads or, built without
// cgo, a process that the JavaScript side starts. It turns frames into engine calls and engine calls
// into frames, and decides nothing about orchestrations.
//
// Rules that hold everywhere in it:
//
//   - B1 An exported function runs on the JavaScript thread: it copies data, takes short locks,
//     appends to queues and starts goroutines. It never waits.
//   - B2 A goroutine that waits for JavaScript waits on a Go channel, never inside C.
//   - B3 No pointer into the caller's memory outlives a call, except the wake function's context,
//     which is used only under the mutex that closing takes.
//   - B4 No panic leaves: exported functions and goroutines recover at their top.
//   - B5 Nothing is written through os.Stdout or os.Stderr, and no environment variable is read.
package main

// version is set by the build; the shim and the JavaScript side compare it with their own.
var version = "0.0.0-unstamped"
