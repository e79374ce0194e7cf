package main

import (
	"fmt"
	"runtime/debug"
)

// Results of exported functions that are neither lengths nor capacities; see duroxide.h.
const (
	resultGone  int64 = -1
	resultFault int64 = -2
)

// guard runs an exported function's body. A panic is logged, remembered for the caller's error
// text, and becomes resultFault.
func guard(body func() int64) (result int64) {
	defer func() {
		if p := recover(); p != nil {
			rememberFault(fmt.Sprintf("panic in the engine: %v\n%s", p, debug.Stack()))
			result = resultFault
		}
	}()
	return body()
}

// answerText writes a text into the caller's buffer if it fits, and gives its length.
func answerText(result []byte, text string) int64 {
	if len(text) <= len(result) {
		copy(result, text)
	}
	return int64(len(text))
}
