package main

/*
#cgo CFLAGS: -std=c11 -Wall -Wextra -Werror
#include "duroxide.h"

static void duroxide_emit_wake(duroxide_wake wake, void *context) { wake(context); }
*/
import "C"

import "unsafe"

// wakeFunction makes a Go function of the host's wake function. It stands in a file without
// exports because a preamble that defines functions must.
func wakeFunction(wake C.duroxide_wake, context unsafe.Pointer) func() {
	return func() { C.duroxide_emit_wake(wake, context) }
}
