// What browsers send, in two pieces: read in one way, whatever the cut, and a form out of it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/web/cookies.hpp"
#include "server/web/form.hpp"
#include "server/web/request_reader.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;
using securelogin::web::RequestReader;

namespace {

void put(RequestReader& reader, std::string_view octets)
{
    while (!octets.empty()) {
        const auto space = reader.space();
        const auto count = std::min(space.size(), octets.size());
        std::copy_n(octets.begin(), count, space.begin());
        reader.received(count);
        octets.remove_prefix(count);
    }
}

/// True when the connection would end.
bool read(RequestReader& reader, std::string& seen)
{
    for (;;) {
        const auto next = reader.next();
        if (next.refused) {
            seen += "refused";
            return true;
        }
        if (!next.request) return false;
        expect(next.request->target().starts_with('/'));
        expect(next.request->body().size() <= RequestReader::kLongestBody);
        expect(next.request->count(securelogin::web::http::field::transfer_encoding) == 0);
        seen += std::string(next.request->target()) + '\n' + std::string(next.request->body()) + '\n';
        [[maybe_unused]] const auto session =
            securelogin::web::cookie(*next.request, securelogin::web::kSessionCookie);
        if (const auto form = securelogin::web::Form::parse(next.request->body())) {
            expect((*form)["csrf"].size() <= next.request->body().size());
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view octets(reinterpret_cast<const char*>(data), size);
    std::string whole;
    std::string cut;
    RequestReader at_once;
    put(at_once, octets);
    read(at_once, whole);
    RequestReader in_two;
    put(in_two, octets.substr(0, size / 2));
    if (!read(in_two, cut)) {
        put(in_two, octets.substr(size / 2));
        read(in_two, cut);
    }
    expect(whole == cut);
    return 0;
}
