#include "engine.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#endif

namespace duroxide {

namespace {

#ifdef _WIN32

void *FindEntry(const std::string &path, std::string *reason) {
  // The path is UTF-8.
  const int length = MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, nullptr, 0);
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, path.c_str(), -1, &wide[0], length);
  HMODULE library = LoadLibraryExW(wide.c_str(), nullptr, LOAD_WITH_ALTERED_SEARCH_PATH);
  if (library == nullptr) {
    *reason = "LoadLibrary failed with code " + std::to_string(GetLastError());
    return nullptr;
  }
  void *entry = reinterpret_cast<void *>(GetProcAddress(library, DUROXIDE_GET_ENGINE));
  if (entry == nullptr) *reason = "the library has no " DUROXIDE_GET_ENGINE;
  return entry;
}

#else

// Blocks asynchronous signals in this thread for its lifetime. Threads that Go starts meanwhile
// inherit the mask, so that the process's signals are delivered to other threads. SIGURG stays
// open: Go uses it to interrupt long loops, with a handler of its own.
class SignalBlock {
 public:
  SignalBlock() {
    sigset_t blocked;
    sigfillset(&blocked);
    for (const int open : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGURG}) {
      sigdelset(&blocked, open);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, &before_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock &) = delete;
  SignalBlock &operator=(const SignalBlock &) = delete;

 private:
  sigset_t before_;
};

void *FindEntry(const std::string &path, std::string *reason) {
  const SignalBlock block;
  // Local, so that two versions of the engine in one process do not meet.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  void *entry = library == nullptr ? nullptr : dlsym(library, DUROXIDE_GET_ENGINE);
  if (entry == nullptr) {
    const char *text = dlerror();
    *reason = text == nullptr ? "unknown error of the loader" : text;
  }
  return entry;
}

#endif

}  // namespace

const duroxide_engine *LoadEngine(const std::string &path, std::string *reason) {
  void *entry = FindEntry(path, reason);
  if (entry == nullptr) return nullptr;
  const duroxide_engine *engine = reinterpret_cast<duroxide_get_engine_function>(entry)();
  if (engine->interface_version != DUROXIDE_INTERFACE_VERSION ||
      engine->size < sizeof(duroxide_engine)) {
    *reason = "the engine speaks version " + std::to_string(engine->interface_version) +
              " of the interface, this addon version " + std::to_string(DUROXIDE_INTERFACE_VERSION);
    return nullptr;
  }
  RepairSignalHandlers();
  return engine;
}

void RepairSignalHandlers() {
#ifndef _WIN32
  // SIGPWR is left out: Bun's garbage collector uses it. Synchronous signals are Go's or V8's.
  for (const int number : {SIGHUP,  SIGINT,    SIGQUIT, SIGUSR1,  SIGUSR2, SIGALRM, SIGTERM,
                           SIGCHLD, SIGCONT,   SIGTSTP, SIGTTIN,  SIGTTOU, SIGURG,  SIGXCPU,
                           SIGXFSZ, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO,   SIGPIPE}) {
    struct sigaction action;
    if (sigaction(number, nullptr, &action) != 0) continue;
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) continue;
    if ((action.sa_flags & SA_ONSTACK) != 0) continue;
    action.sa_flags |= SA_ONSTACK;
    sigaction(number, &action, nullptr);
  }
#endif
}

}  // namespace duroxide
