// process.hpp: what a program that holds secrets asks of the kernel before it holds any.
#pragma once

namespace securelogin {

/// No core files, not dumpable or traceable by others, files private by default, SIGPIPE ignored, a heap for
/// secrets that is locked in memory.  False when that memory could be had but not locked: worth one warning.
/// Once, before other threads run.
[[nodiscard]] bool harden_process();

}  // namespace securelogin
