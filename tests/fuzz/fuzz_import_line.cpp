// A line of htpasswd, of /etc/shadow, of JSON lines; and what is made of the hash in it.  A hash that is
// taken over is one that can be computed again.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "server/admin/import/judgement.hpp"
#include "server/admin/import/row_sources.hpp"
#include "tests/fuzz/expect.hpp"

using namespace securelogin;
using securelogin::fuzz::expect;

namespace {

void try_hash(const std::string& text)
{
    const auto parsed = auth::parse_old_hash(text);
    const auto* const old = std::get_if<auth::OldHash>(&parsed);
    if (old == nullptr) return;
    expect(!old->digest.empty());
    expect(text.size() == old->setting.size() + old->digest.size() || old->setting.empty());
    // No more than what costs little: this is a fuzzer, not a benchmark.
    const bool cheap = old->scheme != auth::OldScheme::crypt || old->setting.starts_with("$1$") ||
                       old->setting.starts_with("$2y$04") || old->setting.starts_with("$5$s");
    if (cheap) (void)auth::old_digest(old->scheme, old->setting, Secret::copy_of("password"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    for (const auto parse : {admin::parse_htpasswd_line, admin::parse_shadow_line, admin::parse_json_line}) {
        const auto row = parse(line);
        if (!row || row->fault || row->left_out) continue;
        try_hash(row->password_hash);
        const auto judged = admin::judge(*row);
        if (const auto* const newcomer = std::get_if<admin::Newcomer>(&judged))
            expect(newcomer->totp || !newcomer->lacks_password());
    }
    return 0;
}
