#include "server/web/login_news.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace securelogin::web {
namespace {

/// A count in a query; empty where it is none, or nought: anybody can write a link.
std::string_view count_in(const Form& query, std::string_view name)
{
    constexpr std::size_t longest = 6;  // digits
    const auto count = query[name];
    const bool is_one = count.size() <= longest && count != "0" &&
                        std::ranges::all_of(count, [](char c) { return c >= '0' && c <= '9'; });
    return is_one ? count : std::string_view();
}

}  // namespace

std::string account_page_after(const auth::Granted& granted)
{
    std::string target = "/account?refused=" + std::to_string(granted.failures_since);
    if (const auto& worn = granted.worn_key) {
        target += "&wrong-codes=" + std::to_string(worn->failures) + "&borne=" + std::to_string(worn->limit);
    } else if (granted.failures_since == 0) {
        return "/account";
    }
    return target;
}

std::optional<Notice> told_of_login(const Form& query)
{
    const auto refused = count_in(query, "refused");
    const auto wrong_codes = count_in(query, "wrong-codes");
    std::string text;
    if (!refused.empty()) {
        text = "Attempts to log in as you that were refused since your last login: " + std::string(refused) +
               ". If they were not yours, change your password.";
    }
    if (!wrong_codes.empty()) {
        if (!text.empty()) text += ' ';
        text += "Your authenticator's key has borne " + std::string(wrong_codes) + " of " +
                std::string(count_in(query, "borne")) +
                " wrong codes: somebody may know your password. Change it, and set up a new key.";
    }
    if (text.empty()) return std::nullopt;
    return Notice{.kind = Notice::Kind::problem, .text = std::move(text)};
}

}  // namespace securelogin::web
