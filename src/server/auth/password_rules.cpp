#include "server/auth/password_rules.hpp"

#include "server/auth/password_policy.hpp"

namespace securelogin::auth {

std::optional<std::string> PasswordRules::why_refused(const Secret& password, const UserName& user) const
{
    auto context = context_;
    context.push_back(user.str());
    if (auto why = auth::why_refused(password, context)) return why;
    if (!breached_ || !breached_->has(password)) return std::nullopt;
    return "It is on the list of passwords that have been stolen elsewhere, which attackers try first: use "
           "one that you use nowhere else.";
}

}  // namespace securelogin::auth
