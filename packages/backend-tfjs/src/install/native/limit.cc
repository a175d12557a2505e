// Says how many threads TensorFlow's kernels may take for what the calling thread runs: waking another one and waiting for it takes
// longer than a small op. The function is of TensorFlow's C++ interface (core/util/work_sharder.h), found by its name in the library that
// the process has loaded; where it is not there nothing is exported.
#include <dlfcn.h>
#include <node_api.h>

static void (*limit)(int) = nullptr;

static napi_value Limit(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t threads;
  if (napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr) != napi_ok || count < 1) return nullptr;
  if (napi_get_value_int32(env, argument, &threads) == napi_ok && threads >= 1) limit(threads);
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  void* library = dlopen("libtensorflow_framework.so.2", RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return exports;
  limit = reinterpret_cast<void (*)(int)>(dlsym(library, "_ZN10tensorflow26SetPerThreadMaxParallelismEi"));
  if (limit == nullptr) return exports;
  napi_value function;
  napi_create_function(env, "limit", NAPI_AUTO_LENGTH, Limit, nullptr, &function);
  napi_set_named_property(env, exports, "limit", function);
  return exports;
}

NAPI_MODULE(ermine_limit, Init)
