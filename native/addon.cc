// The addon's exports; lib/native.d.ts describes them. This shim knows threads and memory, and
// nothing of what crosses. All state hangs on the instance: one process has many environments.
#include <napi.h>

#include <string>
#include <vector>

#include "engine.h"
#include "inbox.h"

namespace duroxide {

namespace {

// Enough for most texts of synchronous calls; more goes to the heap.
constexpr size_t kSmallText = 1024;
constexpr size_t kAnswer = 4096;

// A UTF-8 copy of a JavaScript string.
class Text {
 public:
  Text(napi_env env, napi_value value) {
    if (napi_get_value_string_utf8(env, value, small_, sizeof(small_), &length_) != napi_ok) return;
    // The copy stops at a character's start, so it may end up to three bytes early.
    if (length_ + 4 < sizeof(small_)) return;
    napi_get_value_string_utf8(env, value, nullptr, 0, &length_);
    large_.resize(length_ + 1);
    napi_get_value_string_utf8(env, value, large_.data(), large_.size(), &length_);
  }
  Text(const Text &) = delete;
  Text &operator=(const Text &) = delete;

  duroxide_input *data() const {
    return reinterpret_cast<duroxide_input *>(large_.empty() ? small_ : large_.data());
  }
  size_t length() const { return length_; }

 private:
  char small_[kSmallText];
  std::vector<char> large_;
  size_t length_ = 0;
};

Napi::Value Throw(Napi::Env env, const std::string &message) {
  Napi::Error::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

const duroxide_engine *LoadedEngine(Napi::Env env);

// A host as JavaScript sees it. One environment may have several: test runners load modules again.
class Host : public Napi::ObjectWrap<Host> {
 public:
  static Napi::Function Define(Napi::Env env) {
    return DefineClass(env, "Host",
                       {
                           InstanceMethod("close", &Host::Close),
                           InstanceMethod("exchange", &Host::Exchange),
                           InstanceMethod("call", &Host::Call),
                           InstanceMethod("ask", &Host::Ask),
                           InstanceMethod("hold", &Host::Hold),
                       });
  }

  // new Host(onWake, words)
  explicit Host(const Napi::CallbackInfo &info) : Napi::ObjectWrap<Host>(info) {
    const duroxide_engine *engine = LoadedEngine(info.Env());
    if (engine == nullptr) {
      Throw(info.Env(), "the engine is not loaded");
    } else {
      inbox_ = Inbox::Open(info.Env(), engine, info[0], info[1]);
    }
  }

 private:
  // close(): closes the host. Closing twice is harmless.
  Napi::Value Close(const Napi::CallbackInfo &info) {
    if (inbox_ != nullptr) inbox_->Close();
    inbox_ = nullptr;
    return info.Env().Undefined();
  }

  // exchange(out, outLength, in, most): see duroxide.h.
  Napi::Value Exchange(const Napi::CallbackInfo &info) {
    if (inbox_ == nullptr) return Napi::Number::New(info.Env(), DUROXIDE_GONE);
    const auto out = info[0].As<Napi::Uint8Array>();
    const int64_t length = info[1].As<Napi::Number>().Int64Value();
    auto in = info[2].As<Napi::Uint8Array>();
    if (length < 0 || static_cast<uint64_t>(length) > out.ByteLength()) {
      return Throw(info.Env(), "the frame is longer than its buffer");
    }
    const int64_t result = inbox_->engine()->exchange(
        inbox_->host(), out.Data(), static_cast<uint64_t>(length), in.Data(), in.ByteLength(),
        info[3].As<Napi::Number>().Uint32Value());
    return Napi::Number::New(info.Env(), static_cast<double>(result));
  }

  // call(operation, token, number, text): a synchronous call that gives a number.
  Napi::Value Call(const Napi::CallbackInfo &info) {
    return Napi::Number::New(info.Env(), static_cast<double>(CallEngine(info, nullptr, 0)));
  }

  // ask(operation, token, number, text): a synchronous call that gives a text, or null.
  Napi::Value Ask(const Napi::CallbackInfo &info) {
    std::vector<uint8_t> answer(kAnswer);
    int64_t length = CallEngine(info, answer.data(), answer.size());
    if (length > static_cast<int64_t>(answer.size())) {
      answer.resize(static_cast<size_t>(length));
      length = CallEngine(info, answer.data(), answer.size());
    }
    if (length < 0 || length > static_cast<int64_t>(answer.size())) return info.Env().Null();
    return Napi::String::New(info.Env(), reinterpret_cast<const char *>(answer.data()),
                             static_cast<size_t>(length));
  }

  int64_t CallEngine(const Napi::CallbackInfo &info, uint8_t *answer, size_t capacity) {
    if (inbox_ == nullptr) return DUROXIDE_GONE;
    const Text text(info.Env(), info[3]);
    return inbox_->engine()->call(inbox_->host(), info[0].As<Napi::Number>().Uint32Value(),
                                  static_cast<uint64_t>(info[1].As<Napi::Number>().Int64Value()),
                                  static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value()),
                                  text.data(), text.length(), answer, capacity);
  }

  // hold(on): whether the host keeps the event loop alive.
  Napi::Value Hold(const Napi::CallbackInfo &info) {
    if (inbox_ != nullptr) inbox_->Hold(info[0].As<Napi::Boolean>().Value());
    return info.Env().Undefined();
  }

  // Owned by the environment, which may delete it only after the last call; see inbox.h.
  Inbox *inbox_ = nullptr;
};

}  // namespace

class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports) {
    DefineAddon(exports, {
                             InstanceValue("version", Napi::String::New(env, DUROXIDE_VERSION)),
                             InstanceValue("Host", Host::Define(env)),
                             InstanceMethod("load", &Addon::Load),
                             InstanceMethod("repairSignals", &Addon::RepairSignals),
                             InstanceMethod("adjustMemory", &Addon::AdjustMemory),
                         });
  }

  const duroxide_engine *engine() const { return engine_; }

 private:
  // load(path): loads the engine and gives its version.
  Napi::Value Load(const Napi::CallbackInfo &info) {
    std::string reason;
    engine_ = LoadEngine(info[0].As<Napi::String>().Utf8Value(), &reason);
    if (engine_ == nullptr) return Throw(info.Env(), reason);
    std::string version(kSmallText, '\0');
    const int64_t length =
        engine_->version(reinterpret_cast<uint8_t *>(&version[0]), version.size());
    version.resize(static_cast<size_t>(length));
    return Napi::String::New(info.Env(), version);
  }

  Napi::Value RepairSignals(const Napi::CallbackInfo &info) {
    RepairSignalHandlers();
    return info.Env().Undefined();
  }

  // adjustMemory(bytes): tells V8 of memory that its garbage holds outside of its heap.
  Napi::Value AdjustMemory(const Napi::CallbackInfo &info) {
    Napi::MemoryManagement::AdjustExternalMemory(info.Env(),
                                                 info[0].As<Napi::Number>().Int64Value());
    return info.Env().Undefined();
  }

  const duroxide_engine *engine_ = nullptr;
};

namespace {

const duroxide_engine *LoadedEngine(Napi::Env env) {
  const Addon *addon = env.GetInstanceData<Addon>();
  return addon == nullptr ? nullptr : addon->engine();
}

}  // namespace

}  // namespace duroxide

using duroxide::Addon;
NODE_API_ADDON(Addon)
