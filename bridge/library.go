//go:build cgo

package main

// main is what a C library has to have, and never runs.
func main() {}
