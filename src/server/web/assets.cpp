#include "server/web/assets.hpp"

#include "server/web/answers.hpp"

namespace securelogin::web {
namespace asio = boost::asio;

asio::awaitable<Response> style(const Visit& visit)
{
    co_return asset(visit, "text/css; charset=utf-8", visit.site.pages.style());
}

asio::awaitable<Response> script(const Visit& visit)
{
    co_return asset(visit, "text/javascript; charset=utf-8", visit.site.pages.script());
}

asio::awaitable<Response> logo(const Visit& visit)
{
    const auto& its = visit.site.logo;
    if (its.type.empty()) co_return problem(visit, http::status::not_found, "There is no such page here.");
    auto response =
        asset(visit, its.type, Asset{.octets = its.octets, .version = visit.site.pages.logo_version()});
    // A picture may be a document with a script of its own (SVG), if it is opened as a page.
    response.set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
    co_return response;
}

}  // namespace securelogin::web
