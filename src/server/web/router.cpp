#include "server/web/router.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "server/web/account_pages.hpp"
#include "server/web/answers.hpp"
#include "server/web/assets.hpp"
#include "server/web/guarding.hpp"
#include "server/web/login_pages.hpp"
#include "server/web/programs.hpp"
#include "server/web/register_pages.hpp"

namespace securelogin::web {
namespace asio = boost::asio;
namespace {

using Handler = asio::awaitable<Response> (*)(const Visit&);

struct Route {
    http::verb method;
    std::string_view path;
    Handler handler;
};

constexpr auto get = http::verb::get;
constexpr auto post = http::verb::post;
constexpr std::array kRoutes{
    Route{get, kQuestionPath, verify},
    Route{get, "/", show_start},
    Route{get, "/login", show_login},
    Route{post, "/login", log_in},
    Route{get, "/logout", show_logout},
    Route{post, "/logout", log_out},
    Route{get, "/account", show_account},
    Route{post, "/account/password", change_password},
    Route{post, "/account/totp", begin_new_key},
    Route{post, "/account/totp/prove", prove_new_key},
    Route{post, "/account/recovery-codes", replace_recovery_codes},
    Route{post, "/account/sessions/end", end_sessions},
    Route{post, "/account/devices/forget", forget_device},
    Route{get, "/register", show_register},
    Route{post, "/register", begin_registration},
    Route{post, "/register/prove", prove_registration},
    Route{get, "/assets/style.css", style},
    Route{get, "/assets/script.js", script},
    Route{get, "/assets/logo", logo},
    Route{post, "/api/v1/login", log_in_program},
    Route{get, "/api/v1/session", show_session},
    Route{http::verb::delete_, "/api/v1/session", end_session},
};

/// What may be done with it, or nothing where there is no such path.
std::string allowed(std::string_view path)
{
    std::string methods;
    for (const auto& route : kRoutes) {
        if (route.path != path) continue;
        if (!methods.empty()) methods += ", ";
        methods +=
            std::string_view(http::to_string(route.method).data(), http::to_string(route.method).size());
        if (route.method == get) methods += ", HEAD";
    }
    return methods;
}

Response no_route(const Visit& visit)
{
    const auto methods = allowed(visit.path());
    if (methods.empty()) return problem(visit, http::status::not_found, "There is no such page here.");
    auto response =
        problem(visit, http::status::method_not_allowed, "This is done in another way: " + methods + ".");
    response.set(http::field::allow, methods);
    return response;
}

std::vector<std::string_view> all_values(const Request& request, std::string_view name)
{
    std::vector<std::string_view> values;
    for (const auto& field : request.fields()) {
        if (is_same_name(field.name, name)) values.push_back(field.value);
    }
    return values;
}

}  // namespace

std::optional<Visit> visit_of(const Request& request, const Site& site, Worker& worker,
                              const auth::Source& peer, bool tls, std::uint64_t connection)
{
    const auto& proxies = site.guard.proxies();
    auto source = proxies.source_of(peer, all_values(request, "X-Forwarded-For"));
    if (!source) return std::nullopt;
    std::string_view scheme = tls ? "https" : "http";
    if (!tls && proxies.trusts(peer)) {
        const auto told = all_values(request, "X-Forwarded-Proto");
        if (told.size() == 1 && told.front() == "https") scheme = "https";
    }
    return Visit{.request = request,
                 .site = site,
                 .worker = worker,
                 .peer = peer,
                 .source = *std::move(source),
                 .scheme = scheme,
                 .connection = connection};
}

asio::awaitable<Response> respond(const Visit& visit)
{
    const auto method = visit.request.method() == http::verb::head ? get : visit.request.method();
    const auto path = visit.path();
    const auto is_it = [&](const Route& route) { return route.method == method && route.path == path; };
    const auto* const route = std::ranges::find_if(kRoutes, is_it);
    if (route == kRoutes.end()) co_return no_route(visit);
    auto response = co_await route->handler(visit);
    co_return response;
}

}  // namespace securelogin::web
