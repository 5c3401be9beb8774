// The file that says which servers get passwords.  What is read of it is canonical: written down it is read
// as the same; what is refused is refused with its line.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "client/destination.hpp"
#include "client/failure.hpp"
#include "client/known_hosts.hpp"
#include "common/certificate.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin::client;
using securelogin::fuzz::expect;

namespace {

void expect_canonical(const KnownHost& entry)
{
    expect(parse_destination(entry.host_and_port).host_and_port() == entry.host_and_port);
    expect(securelogin::normalize_fingerprint(entry.fingerprint) == entry.fingerprint);
    const auto again = parse_known_hosts("\r\n#\n" + entry.host_and_port + ' ' + entry.fingerprint, "again");
    expect(again == std::vector{KnownHost{entry.host_and_port, entry.fingerprint, 3}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        std::size_t line = 0;
        for (const auto& entry : parse_known_hosts(text, "known_hosts")) {
            expect(entry.line > line && entry.line <= size);
            line = entry.line;
            expect_canonical(entry);
        }
    } catch (const Failure& failure) {
        const std::string_view what = failure.what();
        expect(failure.code() == ExitCode::not_trusted);
        expect(what.starts_with("reading known_hosts: line ") && what.find('\n') == std::string_view::npos);
    }
    return 0;
}
