// Finding the engine library and keeping the process fit for it.
#ifndef DUROXIDE_NATIVE_ENGINE_H_
#define DUROXIDE_NATIVE_ENGINE_H_

#include <string>

#include "../bridge/duroxide.h"

namespace duroxide {

// Loads the engine at an absolute path, or finds it loaded, and gives its function table; null and
// a reason if that fails. The library is never unloaded: Go cannot be.
const duroxide_engine *LoadEngine(const std::string &path, std::string *reason);

// Gives every asynchronous signal handler of the process SA_ONSTACK. Go needs it: a handler without
// it would run on a goroutine's stack, which is too small for a signal frame.
void RepairSignalHandlers();

}  // namespace duroxide

#endif  // DUROXIDE_NATIVE_ENGINE_H_
