#include "server/token_answer.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include "server/auth/time_text.hpp"

namespace securelogin {

/// By hand: neither names nor session ids nor times hold anything that JSON would have escaped, and a
/// serializer takes as long as all else that is done for a question.
void append_answer(std::string& out, const auth::TokenVerdict& verdict)
{
    if (verdict.malformed) return append_refusal(out, kNotAToken);
    const auto& holder = verdict.holder;
    if (!holder) {
        out += R"({"valid":false})";
        return;
    }
    out += R"({"valid":true,"user":")";
    out += holder->name.str();
    out += R"(","session":")";
    out += holder->session;
    out += R"(","expires":")";
    out += auth::to_rfc3339(holder->expires_at);
    out += R"("})";
}

void append_refusal(std::string& out, std::string_view why)
{
    out += R"({"valid":false,"error":)";
    out += boost::json::serialize(boost::json::string_view(why));
    out += '}';
}

}  // namespace securelogin
