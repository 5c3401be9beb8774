// The headers of a question about a guarded site: a line each, whose first letter says which header it is.
// What is allowed is allowed for one reason only, and nobody is sent to another site.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "server/web/guard.hpp"
#include "server/web/way_back.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin;
using namespace securelogin::web;
using securelogin::fuzz::expect;

namespace {

const std::vector<Rule> kRules{{.host = "a.example", .path = "/open", .require = Require::nothing},
                               {.host = "a.example", .path = "/shut", .require = Require::refuse},
                               {.host = "*.b.example"}};

ForwardedHeaders::Values* place_of(ForwardedHeaders& headers, char letter)
{
    switch (letter) {
        case 'h':
            return &headers.host;
        case 'a':
            return &headers.accept;
        case 'u':
            return &headers.original_url;
        case 'm':
            return &headers.original_method;
        case 'M':
            return &headers.forwarded_method;
        case 'P':
            return &headers.forwarded_proto;
        case 'H':
            return &headers.forwarded_host;
        case 'U':
            return &headers.forwarded_uri;
        case 'F':
            return &headers.forwarded_for;
        default:
            return nullptr;
    }
}

ForwardedHeaders headers_of(std::string_view input)
{
    ForwardedHeaders headers;
    while (!input.empty()) {
        const auto line = input.substr(0, input.find('\n'));
        auto* const values = line.empty() ? nullptr : place_of(headers, line.front());
        if (values != nullptr) values->push_back(line.substr(1));
        input.remove_prefix(std::min(line.size() + 1, input.size()));
    }
    return headers;
}

bool is_open(const GuardedRequest& request)
{
    for (const auto& reading : request.path.readings) {
        if (!fits(kRules[0], request.origin.host, reading)) return false;
    }
    return true;
}

void expect_own_site(const GuardAnswer& answer, const GuardedRequest& request)
{
    for (const auto& [name, value] : answer.headers) {
        if (name != "Location") continue;
        const auto login = request.origin.text() + "/login";
        expect(value == login || value.starts_with(login + "?back=%2F"));
        expect(value.find_first_of("\r\n \\") == std::string::npos);
    }
}

/// A way back is a path of ours, or names one of the two origins.
void expect_safe(std::string_view text)
{
    const auto own = *Origin::parse("https://a.example");
    const std::vector<Origin> allowed{*Origin::parse("https://c.example:8443")};
    const auto safe = safe_way_back(text, allowed, own);
    if (!safe) return;
    expect(*safe == text && text.find_first_of("\\\t\r\n") == std::string_view::npos);
    const bool path = text.starts_with('/') && !text.starts_with("//");
    expect(path || text == "https://a.example" || text.starts_with("https://a.example/") ||
           text == "https://c.example:8443" || text.starts_with("https://c.example:8443/"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    expect_safe(input);
    if (const auto origin = Origin::parse(input)) expect(Origin::parse(origin->text()) == *origin);
    (void)Network::parse(input);

    const auto headers = headers_of(input);
    const std::vector<std::string> proxies{"127.0.0.1", "10.0.0.0/8"};
    const auto peer = auth::Source::from_address("127.0.0.1");
    const auto answer = Guard(kRules, Proxies(proxies)).answer(peer, headers, std::nullopt);
    const auto question = read_guarded(headers);
    const auto* const request = std::get_if<GuardedRequest>(&question);
    if (request == nullptr) {
        expect(answer.verdict == GuardAnswer::Verdict::doubt && answer.headers.empty());
        return 0;
    }
    expect(answer.verdict != GuardAnswer::Verdict::allow || is_open(*request));
    expect_own_site(answer, *request);
    return 0;
}
