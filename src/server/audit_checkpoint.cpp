#include "server/audit_checkpoint.hpp"

#include <exception>
#include <string>

#include "server/auth/audit_chain.hpp"

namespace securelogin {

std::optional<auth::AuditMark> write_checkpoint(auth::Store& store, const auth::Clock& clock, EventLog& log,
                                                std::string_view why) noexcept
try {
    auth::AuditMark mark;
    auth::transact(store, [&](auth::Transaction& transaction) {
        mark = transaction.append_audit(
            {.at = clock.now(), .event = "audit.checkpoint", .outcome = "done", .reason = std::string(why)});
    });
    log.write(Level::info, "audit_checkpoint",
              {{"checkpoint", auth::to_text(mark)}, {"reason", std::string(why)}});
    return mark;
} catch (const std::exception& error) {
    log.write(Level::error, "audit_checkpoint_failed", {{"error", error.what()}});
    return std::nullopt;
}

}  // namespace securelogin
