// Silences the process's stderr for the moment in which TensorFlow's library is loaded: it announces itself from static
// initializers, before any setting of its own can stop it.
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

static int saved = -1;

static napi_value Mute(napi_env, napi_callback_info) {
  if (saved >= 0) return nullptr;
  int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere < 0) return nullptr;
  saved = fcntl(2, F_DUPFD_CLOEXEC, 3);
  if (saved >= 0) dup2(nowhere, 2);
  close(nowhere);
  return nullptr;
}

static napi_value Unmute(napi_env, napi_callback_info) {
  if (saved < 0) return nullptr;
  dup2(saved, 2);
  close(saved);
  saved = -1;
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  napi_value mute, unmute;
  napi_create_function(env, "mute", NAPI_AUTO_LENGTH, Mute, nullptr, &mute);
  napi_create_function(env, "unmute", NAPI_AUTO_LENGTH, Unmute, nullptr, &unmute);
  napi_set_named_property(env, exports, "mute", mute);
  napi_set_named_property(env, exports, "unmute", unmute);
  return exports;
}

NAPI_MODULE(ermine_quiet, Init)
