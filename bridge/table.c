// The function table that the shim asks for. It stands in C because Go cannot export data; the
// generated header makes the compiler compare every export with duroxide.h.
#include "_cgo_export.h"
#include "duroxide.h"

static const duroxide_engine engine = {
    DUROXIDE_INTERFACE_VERSION,
    sizeof(duroxide_engine),
    duroxideOpenHost,
    duroxideCloseHost,
    duroxideExchange,
    duroxideCall,
    duroxideVersion,
};

#ifdef _WIN32
__declspec(dllexport)
#endif
    const duroxide_engine *duroxide_get_engine(void) {
  return &engine;
}
