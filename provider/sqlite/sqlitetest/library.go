//go:build unix

// Package sqlitetest is the SQLite library of this system, loaded beside the one that stores use: a
// second one in the same process, with locks of POSIX, as people have it who keep tables of their own
// in the file of a store. It is for tests.
package sqlitetest

/*
#cgo linux LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

typedef int (*callback)(void *, int, char **, char **);
static int (*do_open)(const char *, void **);
static int (*do_close)(void *);
static int (*do_exec)(void *, const char *, callback, void *, char **);
static int (*do_timeout)(void *, int);
static void (*do_free)(void *);

static const char *load(void) {
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW | RTLD_LOCAL);
  if (!library) return dlerror();
  do_open = dlsym(library, "sqlite3_open");
  do_close = dlsym(library, "sqlite3_close");
  do_exec = dlsym(library, "sqlite3_exec");
  do_timeout = dlsym(library, "sqlite3_busy_timeout");
  do_free = dlsym(library, "sqlite3_free");
  return do_open && do_close && do_exec && do_timeout && do_free ? NULL : "a function is missing";
}

static int opened(const char *path, void **db) { return do_open(path, db); }
static int closed(void *db) { return do_close(db); }
static void patience(void *db, int ms) { do_timeout(db, ms); }

static int keep(void *first, int columns, char **values, char **names) {
  char **text = first;
  if (!*text && columns > 0 && values[0]) *text = strdup(values[0]);
  return 0;
}

// run gives the first value, and the reason of a failure; the caller frees both.
static int run(void *db, const char *sql, char **first, char **reason) {
  char *text = NULL;
  int code = do_exec(db, sql, keep, first, &text);
  if (text) {
    *reason = strdup(text);
    do_free(text);
  }
  return code;
}
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

var load = sync.OnceValue(func() error {
	if reason := C.load(); reason != nil {
		return errors.New(C.GoString(reason))
	}
	return nil
})

// Load finds the library. An error means that this system has none.
func Load() error { return load() }

// DB is a connection. It is for one goroutine at a time.
type DB struct{ handle unsafe.Pointer }

// Open opens a file, and makes it if it is missing.
func Open(path string) (*DB, error) {
	err := Load()
	if err != nil {
		return nil, err
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	db := &DB{}
	code := int(C.opened(name, &db.handle)) //nolint:gocritic // what cgo makes of it
	if code != 0 {
		return nil, fmt.Errorf("open %s: code %d", path, code)
	}
	return db, nil
}

// Patience is how long statements wait for locks.
func (db *DB) Patience(ms int) { C.patience(db.handle, C.int(ms)) }

// Close closes the connection.
func (db *DB) Close() error {
	if code := C.closed(db.handle); code != 0 {
		return fmt.Errorf("close: code %d", code)
	}
	return nil
}

// Run runs statements and gives the first value that they find.
func (db *DB) Run(sql string) (string, error) {
	text := C.CString(sql)
	defer C.free(unsafe.Pointer(text))
	var first, reason *C.char
	code := int(C.run(db.handle, text, &first, &reason)) //nolint:gocritic // what cgo makes of it
	defer C.free(unsafe.Pointer(first))
	defer C.free(unsafe.Pointer(reason))
	if code != 0 {
		return "", fmt.Errorf("%s (%d)", C.GoString(reason), code)
	}
	return C.GoString(first), nil
}
