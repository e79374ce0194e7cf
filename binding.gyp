{
  # Builds the shim only. scripts/build.js builds the engine library, which the shim loads when it
  # runs, so that neither build needs the other.
  "targets": [
    {
      "target_name": "duroxide",
      "sources": ["native/addon.cc", "native/engine.cc", "native/inbox.cc"],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": [
        "NAPI_VERSION=8",
        "NODE_ADDON_API_DISABLE_DEPRECATED",
        "NAPI_DISABLE_CPP_EXCEPTIONS",
        # A worker thread that is being terminated can throw no more; without this it would abort.
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "DUROXIDE_VERSION=\"<!(node -p \"require('./package.json').version\")\"",
      ],
      "cflags_cc!": ["-fno-rtti", "-std=gnu++17", "-std=gnu++20"],
      "cflags_cc": [
        "-std=c++17", "-fno-exceptions", "-fvisibility=hidden",
        "-Wall", "-Wextra", "-Wpedantic", "-Werror",
      ],
      "conditions": [
        ["OS=='linux'", {
          # Without -g and with -s: what nobody debugs needs no symbols.
          "cflags_cc!": ["-g"],
          "ldflags": ["-Wl,-z,nodelete", "-Wl,-z,now", "-s"],
          "libraries": ["-ldl"],
        }],
        ["OS=='mac'", {
          "xcode_settings": {
            "CLANG_CXX_LANGUAGE_STANDARD": "c++17",
            "GCC_ENABLE_CPP_EXCEPTIONS": "NO",
            "GCC_SYMBOLS_PRIVATE_EXTERN": "YES",
            "WARNING_CFLAGS": ["-Wall", "-Wextra", "-Wpedantic", "-Werror"],
          },
        }],
      ],
    },
  ],
}
