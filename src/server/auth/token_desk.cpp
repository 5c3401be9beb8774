#include "server/auth/token_desk.hpp"

#include <exception>
#include <vector>

#include "server/auth/sessions.hpp"

namespace securelogin::auth {
namespace {

/// Uses that are written down at a time.  Each of these sessions has a long time left: it is noted again at
/// its next use.  Those that have not come first (SessionCheck, touch_soon).
constexpr std::size_t kMostUses = 1024;
constexpr std::size_t kMostUrgentUses = 4096;

}  // namespace

TokenDesk::TokenDesk(Store& store, TokenMemory* memory, const Clock& clock, const SessionPolicy& policy)
    : store_(store), memory_(memory), clock_(clock), policy_(policy), reader_(store.open_token_reader())
{
    set_policy(policy);
}

void TokenDesk::set_policy(const SessionPolicy& policy)
{
    policy_ = policy;
    check_.emplace(policy_, clock_, *reader_, memory_);
}

TokenVerdict TokenDesk::check(const TokenHash& token)
{
    auto verdict = check_->check(token);
    // Of a session that is good for a new password only, too: it is in use as well.
    const auto& holder = verdict.holder ? verdict.holder : verdict.confined;
    if (verdict.touch && holder && note_use(*holder, verdict.touch_soon)) check_->use_noted(token);
    return verdict;
}

bool TokenDesk::note_use(const TokenHolder& holder, bool urgent)
{
    if (uses_.size() >= (urgent ? kMostUrgentUses : kMostUses)) return false;
    uses_.emplace(holder.user, holder.session);
    return true;
}

/// A session that has ended meanwhile stays so.
void TokenDesk::write_uses()
{
    if (uses_.empty()) return;
    const auto uses = std::make_shared<const std::vector<Use>>(uses_.begin(), uses_.end());
    uses_.clear();
    const Sessions sessions(policy_, clock_);
    store_.submit_unsynced(
        [uses, sessions](Transaction& transaction) {
            for (const auto& [user, id] : *uses) {
                [[maybe_unused]] const bool live = sessions.still_live(transaction, user, id);
            }
        },
        [](const std::exception_ptr&) {});
}

}  // namespace securelogin::auth
