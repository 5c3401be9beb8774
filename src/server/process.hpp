// process.hpp: what a program asks of the kernel for the whole of itself, before it holds secrets.
#pragma once

namespace securelogin {

/// No core files, not dumpable or traceable by others, files private by default, SIGPIPE ignored, a heap for
/// secrets that is locked in memory.  False when that memory could be had but not locked: worth one warning.
/// Once, before other threads run.
[[nodiscard]] bool harden_process();

/// Threads that wake do not push aside those that hash (SCHED_BATCH, sched(7)): on busy processors a hash is
/// interrupted less often, and what has come is done together.  Where processors are idle nobody waits
/// longer. Where it is not allowed, nothing changes.  Once, before other threads run: they inherit it.
void prefer_throughput() noexcept;

}  // namespace securelogin
