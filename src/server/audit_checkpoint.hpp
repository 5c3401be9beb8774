// audit_checkpoint.hpp: the audit's end, told to the log, where whoever puts back the data directory cannot
// reach it.
#pragma once

#include <optional>
#include <string_view>

#include "common/event_log.hpp"
#include "server/auth/clock.hpp"
#include "server/auth/store.hpp"

namespace securelogin {

/// Appends an `audit.checkpoint` record and, once it is durable, logs its id and MAC as `checkpoint`:
/// what `securelogin-admin audit verify --checkpoint` takes.  `why`: start, stop, hourly.  Blocks for a
/// commit; what fails is logged (`audit_checkpoint_failed`), and is nothing.
std::optional<auth::AuditMark> write_checkpoint(auth::Store& store, const auth::Clock& clock, EventLog& log,
                                                std::string_view why) noexcept;

}  // namespace securelogin
