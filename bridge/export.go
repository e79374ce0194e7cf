package main

/*
#include "duroxide.h"
*/
import "C"

import "unsafe"

//export duroxideOpenHost
func duroxideOpenHost(
	wake C.duroxide_wake, context unsafe.Pointer, words *C.int32_t, count C.uint32_t,
) C.uint64_t {
	var shared []int32
	if words != nil {
		shared = unsafe.Slice((*int32)(unsafe.Pointer(words)), uint32(count))
	}
	return C.uint64_t(openHost(wakeFunction(wake, context), shared).id)
}

//export duroxideCloseHost
func duroxideCloseHost(host C.uint64_t) C.int64_t {
	return C.int64_t(guard(func() int64 {
		h := hosts.find(uint64(host))
		if h == nil {
			return 0
		}
		return int64(h.close())
	}))
}

//export duroxideExchange
func duroxideExchange(
	host C.uint64_t, out *C.duroxide_input, outLength C.uint64_t,
	in *C.uint8_t, inCapacity C.uint64_t, most C.uint32_t,
) C.int64_t {
	return C.int64_t(guard(func() int64 {
		h := hosts.find(uint64(host))
		if h == nil {
			return resultGone
		}
		return h.exchange(
			memory((*byte)(unsafe.Pointer(out)), uint64(outLength)),
			memory((*byte)(unsafe.Pointer(in)), uint64(inCapacity)), int(most))
	}))
}

//export duroxideCall
func duroxideCall(
	host C.uint64_t, operation C.uint32_t, token, number C.uint64_t,
	text *C.duroxide_input, textLength C.uint64_t, result *C.uint8_t, capacity C.uint64_t,
) C.int64_t {
	return C.int64_t(guard(func() int64 {
		h := hosts.find(uint64(host))
		if h == nil {
			return resultGone
		}
		return h.call(syncCall{
			operation: uint32(operation),
			token:     uint64(token),
			number:    uint64(number),
			text:      string(memory((*byte)(unsafe.Pointer(text)), uint64(textLength))),
			result:    memory((*byte)(unsafe.Pointer(result)), uint64(capacity)),
		})
	}))
}

//export duroxideVersion
func duroxideVersion(result *C.uint8_t, capacity C.uint64_t) C.int64_t {
	return C.int64_t(answerText(
		memory((*byte)(unsafe.Pointer(result)), uint64(capacity)), version))
}

// memory makes a slice of the caller's memory for the time of a call.
func memory(start *byte, length uint64) []byte {
	if start == nil || length == 0 {
		return nil
	}
	return unsafe.Slice(start, length)
}
