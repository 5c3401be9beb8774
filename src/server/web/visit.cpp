#include "server/web/visit.hpp"

#include <utility>

#include "server/web/cookies.hpp"

namespace securelogin::web {

std::string_view Visit::path() const noexcept
{
    const auto target = request.target();
    return target.substr(0, target.find('?'));
}

std::string_view Visit::query() const noexcept
{
    const auto target = request.target();
    const auto mark = target.find('?');
    return mark == target.npos ? std::string_view() : target.substr(mark + 1);
}

std::string_view Visit::header(http::field name) const noexcept { return request[name]; }

std::optional<Holder> holder_of(const Visit& visit)
{
    const auto token = cookie(visit.request, kSessionCookie);
    if (token.empty()) return std::nullopt;
    auto verdict = visit.worker.check(token);
    if (verdict.holder) return Holder{.who = *std::move(verdict.holder), .token = token};
    if (verdict.confined)
        return Holder{.who = *std::move(verdict.confined), .token = token, .must_change = true};
    return std::nullopt;
}

std::optional<auth::DeviceFingerprint> device_of(const Visit& visit)
{
    return device_of(cookie(visit.request, kDeviceCookie));
}

std::string_view binding_of(const Visit& visit) noexcept
{
    const auto session = cookie(visit.request, kSessionCookie);
    return session.empty() ? cookie(visit.request, kVisitCookie) : session;
}

std::string account_page_told(const Site& site, std::string_view cookie, std::string_view query)
{
    if (query.empty()) return "/account";
    return "/account?" + site.forgery_guard.proved_query(cookie, query);
}

bool is_ours(const Visit& visit, std::string_view csrf)
{
    const auto origin = visit.header(http::field::origin);
    if (visit.request.count(http::field::origin) > 1) return false;
    if (!origin.empty() && !is_own_origin(origin, visit.scheme, visit.header(http::field::host)))
        return false;
    return visit.site.forgery_guard.is_token_for(binding_of(visit), csrf);
}

}  // namespace securelogin::web
