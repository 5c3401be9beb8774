#include "server/web/guarding.hpp"

#include <array>
#include <optional>
#include <utility>

#include "server/web/answers.hpp"
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
    for (const auto& field : request) {
        for (const auto& [name, values] : kWanted) {
            if (boost::beast::iequals(field.name_string(),
                                      boost::beast::string_view(name.data(), name.size()))) {
                (headers.*values).emplace_back(field.value().data(), field.value().size());
            }
        }
    }
    return headers;
}

}  // namespace

asio::awaitable<Response> verify(const Visit& visit)
{
    const auto headers = headers_of(visit.request);
    const auto holder = holder_of(visit);
    const bool full = holder && !holder->must_change;
    const auto answer =
        visit.site.guard.answer(visit.peer, headers, full ? std::optional(holder->who) : std::nullopt);
    auto response = empty(visit, static_cast<http::status>(answer.status));
    for (const auto& [name, value] : answer.headers) {
        response.set(boost::beast::string_view(name.data(), name.size()), value);
    }
    if (answer.verdict == GuardAnswer::Verdict::doubt && visit.worker.may_complain()) {
        visit.site.log.write(Level::warning, "guard_in_doubt",
                             {{"reason", std::string(answer.reason)}, {"source", visit.peer.address()}});
    }
    co_return response;
}

}  // namespace securelogin::web
