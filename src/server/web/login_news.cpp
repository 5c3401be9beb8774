#include "server/web/login_news.hpp"

#include <utility>

#include "server/web/way_back.hpp"

namespace securelogin::web {

std::string news_of_login(const auth::Granted& granted, std::string_view back)
{
    std::string query = "refused=" + std::to_string(granted.failures_since);
    if (const auto& worn = granted.worn_key) {
        query += "&wrong-codes=" + std::to_string(worn->failures) + "&borne=" + std::to_string(worn->limit);
    } else if (granted.failures_since == 0) {
        return {};
    }
    if (!back.empty()) query += "&back=" + percent_encoded(back);
    return query;
}

std::optional<Notice> told_of_login(const Form& query)
{
    const auto refused = query["refused"];
    const auto wrong_codes = query["wrong-codes"];
    std::string text;
    if (!refused.empty() && refused != "0") {
        text = "Attempts to log in as you that were refused since your last login: " + std::string(refused) +
               ". If they were not yours, change your password.";
    }
    if (!wrong_codes.empty()) {
        if (!text.empty()) text += ' ';
        text += "Your authenticator's key has borne " + std::string(wrong_codes) + " of " +
                query.text("borne") +
                " wrong codes: somebody may know your password. Change it, and set up a new key.";
    }
    if (text.empty()) return std::nullopt;
    return Notice{.kind = Notice::Kind::problem, .text = std::move(text), .go_on = query.text("back")};
}

}  // namespace securelogin::web
