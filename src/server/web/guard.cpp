#include "server/web/guard.hpp"

#include <algorithm>

#include "server/auth/time_text.hpp"
#include "server/auth/user_name.hpp"
#include "server/web/way_back.hpp"

namespace securelogin::web {
namespace {

using Values = ForwardedHeaders::Values;
using Question = std::variant<GuardedRequest, Doubt>;

constexpr std::string_view kNoOrigin = "the site is no https origin";

/// The value of a header that came once; nothing otherwise, or for what no such value holds.
std::optional<std::string_view> single(const Values& values)
{
    const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (values.size() != 1 || values.front().empty()) return std::nullopt;
    if (!std::ranges::all_of(values.front(), is_printable)) return std::nullopt;
    return values.front();
}

bool is_method(std::string_view text)
{
    constexpr std::size_t longest = 32;
    const auto is_allowed = [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; };
    return !text.empty() && text.size() <= longest && std::ranges::all_of(text, is_allowed);
}

/// A WebSocket's scheme is that of the request which asks for it.
std::string_view scheme_of(std::string_view proto)
{
    if (proto == "wss") return "https";
    if (proto == "ws") return "http";
    return proto;
}

std::string_view cut_entry(std::string_view& list)
{
    const auto comma = std::min(list.find(','), list.size());
    const auto entry = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    return entry;
}

/// Whether a browser asks for a page: what is fetched by its scripts and pictures cannot follow to a login.
bool accepts_html(const Values& accept)
{
    for (auto list : accept) {
        while (!list.empty()) {
            auto range = cut_entry(list);
            range = range.substr(0, range.find(';'));
            range.remove_prefix(std::min(range.find_first_not_of(" \t"), range.size()));
            range = range.substr(0, range.find_last_not_of(" \t") + 1);
            if (auth::fold_case(range) == "text/html") return true;
        }
    }
    return false;
}

/// `redirect` says whether the proxy would take one to the browser.
Question question_of(const Origin& origin, std::string_view target, bool redirect)
{
    auto path = read_path(target);
    if (!path) return Doubt{"the path can be read in several ways"};
    return GuardedRequest{
        .origin = origin, .path = std::move(*path), .target = std::string(target), .redirect = redirect};
}

/// `authority` is how the URL spells it: most spell it in one way.
bool is_host_of(std::string_view host, const Origin& origin, std::string_view authority)
{
    return host == authority || Origin::of(origin.scheme, host) == origin;
}

/// X-Forwarded-Host need not come from nginx, and must not contradict.
bool host_agrees(const Values& values, const Origin& origin, std::string_view authority)
{
    const auto value = single(values);
    return values.empty() || (value && is_host_of(*value, origin, authority));
}

/// Nor X-Forwarded-Proto.
bool proto_agrees(const Values& values, const Origin& origin)
{
    const auto value = single(values);
    return values.empty() || (value && scheme_of(*value) == origin.scheme);
}

/// Where the path of an absolute URL begins, or its end; nothing where it is none.
std::optional<std::size_t> find_path(std::string_view url)
{
    constexpr std::string_view between = "://";
    const auto scheme = url.find(between);
    if (scheme == std::string_view::npos) return std::nullopt;
    return std::min(url.find('/', scheme + between.size()), url.size());
}

Question read_nginx(const ForwardedHeaders& headers)
{
    const auto url = single(headers.original_url);
    const auto host = single(headers.host);
    if (!url || !host) return Doubt{"X-Original-URL and Host are to come once each"};
    if (!headers.forwarded_method.empty() || !headers.forwarded_uri.empty()) {
        return Doubt{"X-Original-URL came with X-Forwarded-Method or X-Forwarded-Uri"};
    }
    const auto method = single(headers.original_method);
    if (!headers.original_method.empty() && !(method && is_method(*method)))
        return Doubt{"X-Original-Method is none"};
    const auto path = find_path(*url);
    if (!path) return Doubt{"X-Original-URL is not absolute"};
    const auto origin = Origin::parse(url->substr(0, *path));
    if (!origin) return Doubt{kNoOrigin};
    const auto authority = url->substr(0, *path).substr(url->find("://") + 3);
    if (!is_host_of(*host, *origin, authority)) return Doubt{"Host is not that of X-Original-URL"};
    if (!host_agrees(headers.forwarded_host, *origin, authority) ||
        !proto_agrees(headers.forwarded_proto, *origin)) {
        return Doubt{"X-Forwarded-Host or -Proto is not that of X-Original-URL"};
    }
    return question_of(*origin, url->substr(*path), false);
}

Question read_forwarded(const ForwardedHeaders& headers)
{
    const auto method = single(headers.forwarded_method);
    const auto proto = single(headers.forwarded_proto);
    const auto host = single(headers.forwarded_host);
    const auto uri = single(headers.forwarded_uri);
    if (!method || !proto || !host || !uri || !single(headers.host)) {
        return Doubt{"X-Forwarded-Method, -Proto, -Host and -Uri are to come once each"};
    }
    if (!headers.original_method.empty()) return Doubt{"X-Original-Method came with X-Forwarded-Method"};
    if (!is_method(*method)) return Doubt{"X-Forwarded-Method is none"};
    const auto origin = Origin::of(scheme_of(*proto), *host);
    if (!origin) return Doubt{kNoOrigin};
    const bool redirect = (*method == "GET" || *method == "HEAD") && accepts_html(headers.accept);
    return question_of(*origin, *uri, redirect);
}

GuardAnswer doubtful(std::string_view reason) { return {.reason = reason}; }

GuardAnswer refused() { return {.verdict = GuardAnswer::Verdict::refuse, .status = 403}; }

GuardAnswer to_login(const GuardedRequest& request)
{
    return {.verdict = GuardAnswer::Verdict::login,
            .status = request.redirect ? 303U : 401U,
            .headers = {{"Location", login_url(request.origin, request.target)}}};
}

GuardAnswer allowed(const std::optional<auth::TokenHolder>& holder)
{
    GuardAnswer answer{.verdict = GuardAnswer::Verdict::allow, .status = 200};
    if (holder) {
        answer.headers.emplace_back("Remote-User", holder->name.str());
        answer.headers.emplace_back("Remote-Session", holder->session);
        answer.headers.emplace_back("Remote-Expires", auth::to_rfc3339(holder->expires_at));
    }
    return answer;
}

GuardAnswer judge(const GuardedRequest& request, const Demand& demand,
                  const std::optional<auth::TokenHolder>& holder)
{
    if (demand.doubtful) return doubtful("the path's readings fit different rules");
    if (demand.require == Require::refuse) return refused();
    if (demand.require == Require::nothing) return allowed(holder);
    if (!holder) return to_login(request);
    return demand.admits(holder->name) ? allowed(holder) : refused();
}

}  // namespace

std::variant<GuardedRequest, Doubt> read_guarded(const ForwardedHeaders& headers)
{
    return headers.original_url.empty() ? read_forwarded(headers) : read_nginx(headers);
}

GuardAnswer Guard::answer(const auth::Source& peer, const ForwardedHeaders& headers,
                          const std::optional<auth::TokenHolder>& holder) const
{
    if (!proxies_.trusts(peer)) return doubtful(kNoProxy);
    return answer_proxy(headers, holder);
}

GuardAnswer Guard::answer_proxy(const ForwardedHeaders& headers,
                                const std::optional<auth::TokenHolder>& holder) const
{
    if (!headers.forwarded_for.empty() && !proxies_.forwarded_address(headers.forwarded_for)) {
        return doubtful("X-Forwarded-For came twice, or holds no address");
    }
    const auto question = read_guarded(headers);
    if (const auto* const doubt = std::get_if<Doubt>(&question)) return doubtful(doubt->reason);
    const auto& request = std::get<GuardedRequest>(question);
    return judge(request, demand_for(rules_, request.origin.host, request.path), holder);
}

}  // namespace securelogin::web
