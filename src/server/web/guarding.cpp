#include "server/web/guarding.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "server/web/answers.hpp"
#include "server/web/cookies.hpp"
#include "server/web/guard.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

struct Wanted {
    std::string_view name;
    ForwardedHeaders::Values ForwardedHeaders::* values;
};
constexpr std::array kWanted{
    Wanted{"Host", &ForwardedHeaders::host},
    Wanted{"Accept", &ForwardedHeaders::accept},
    Wanted{"X-Original-URL", &ForwardedHeaders::original_url},
    Wanted{"X-Original-Method", &ForwardedHeaders::original_method},
    Wanted{"X-Forwarded-Method", &ForwardedHeaders::forwarded_method},
    Wanted{"X-Forwarded-Proto", &ForwardedHeaders::forwarded_proto},
    Wanted{"X-Forwarded-Host", &ForwardedHeaders::forwarded_host},
    Wanted{"X-Forwarded-Uri", &ForwardedHeaders::forwarded_uri},
    Wanted{"X-Forwarded-For", &ForwardedHeaders::forwarded_for},
};

ForwardedHeaders headers_of(const Request& request)
{
    ForwardedHeaders headers;
    for (const auto& field : request.fields()) {
        const auto is_its = [&](const Wanted& wanted) { return is_same_name(field.name, wanted.name); };
        const auto wanted = std::ranges::find_if(kWanted, is_its);
        if (wanted != kWanted.end()) (headers.*(wanted->values)).push_back(field.value);
    }
    return headers;
}

GuardAnswer judge(const Question& question)
{
    if (!question.trusted) return {.reason = kNoProxy};
    const auto headers = headers_of(question.request);
    if (headers.forwarded_for.empty()) return {.reason = kNobodyNamed};
    std::optional<auth::TokenHolder> who;
    if (question.token) who = question.worker.check(*question.token).holder;
    return question.site.guard.answer_proxy(headers, who);
}

}  // namespace

void tell_doubt(const Site& site, Worker& worker, const auth::Source& peer, std::string_view reason)
{
    if (!worker.may_complain()) return;
    site.log.write(Level::warning, "guard_in_doubt",
                   {{"reason", std::string(reason)}, {"source", peer.address()}});
}

bool is_question(const Request& request) noexcept
{
    return request.method() == http::verb::get && request.target() == kQuestionPath && request.body().empty();
}

std::optional<auth::TokenHash> token_shown(const Request& request, Worker& worker)
{
    const auto token = cookie(request, kSessionCookie);
    return token.empty() ? std::nullopt : worker.expect(token);
}

GuardAnswer answer_of(const Question& question)
{
    auto answer = judge(question);
    if (answer.verdict == GuardAnswer::Verdict::doubt) {
        tell_doubt(question.site, question.worker, question.peer, answer.reason);
    }
    return answer;
}

void append_answer(std::string& out, const GuardAnswer& answer, bool keep_alive)
{
    append_status_line(out, static_cast<http::status>(answer.status));
    for (const auto& [name, value] : answer.headers) append_field(out, name, value);
    out += "Cache-Control: no-store\r\n";
    if (!keep_alive) out += "Connection: close\r\n";
    out += "Content-Length: 0\r\n\r\n";
}

asio::awaitable<Response> verify(const Visit& visit)
{
    const auto answer = answer_of({.request = visit.request,
                                   .token = token_shown(visit.request, visit.worker),
                                   .site = visit.site,
                                   .worker = visit.worker,
                                   .peer = visit.peer,
                                   .trusted = visit.site.guard.proxies().trusts(visit.peer)});
    auto response = empty(visit, static_cast<http::status>(answer.status));
    for (const auto& [name, value] : answer.headers) response.set(name, value);
    co_return response;
}

}  // namespace securelogin::web
