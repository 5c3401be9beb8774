#include "server/auth/session_check.hpp"

#include <utility>

namespace securelogin::auth {

void SessionCheck::keep_up()
{
    if (memory_ != nullptr) memory_->keep_up(reader_);
}

std::optional<TokenHash> SessionCheck::expect(std::string_view token)
{
    if (!is_token(token)) return std::nullopt;
    const auto hash = hash_(token);
    if (memory_ != nullptr) memory_->expect(hash);
    return hash;
}

TokenVerdict SessionCheck::check(std::string_view token)
{
    const auto hash = expect(token);
    return hash ? check(*hash) : TokenVerdict{.malformed = true};
}

TokenVerdict SessionCheck::check(const TokenHash& token)
{
    if (auto remembered = memory_ != nullptr ? memory_->recall(token) : std::nullopt) {
        // Used since, perhaps: only a no depends on that.
        auto verdict = judge(*std::move(remembered));
        if (verdict.holder) return verdict;
    }
    const auto found = reader_.find_token(token);
    if (!found) return {};
    auto verdict = judge(found->holder);
    if (memory_ != nullptr && verdict.holder) memory_->remember(token, *found);
    return verdict;
}

void SessionCheck::use_noted(const TokenHash& token)
{
    if (memory_ != nullptr) memory_->use(token, clock_.now());
}

TokenVerdict SessionCheck::judge(TokenHolder holder) const
{
    const auto now = clock_.now();
    if (!is_live(holder, policy_, now)) return {};
    const auto unused = now - holder.last_used_at;
    TokenVerdict verdict{.touch = unused >= touch_interval(policy_),
                         .touch_soon = unused >= policy_.idle / 2};
    (holder.must_change ? verdict.confined : verdict.holder) = std::move(holder);
    return verdict;
}

}  // namespace securelogin::auth
