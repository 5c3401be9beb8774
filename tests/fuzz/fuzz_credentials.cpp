// The JSON that a program logs in with.  What is taken says one thing to every parser: written plainly it is
// read as the same, and with a member more it is refused.
#include <boost/json/serialize.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "server/web/credentials.hpp"
#include "tests/fuzz/expect.hpp"

using securelogin::fuzz::expect;
using securelogin::web::Credentials;

namespace {

std::string plainly(const Credentials& credentials)
{
    const auto text = [](std::string_view value) {
        return boost::json::serialize(boost::json::string_view(value.data(), value.size()));
    };
    return R"({"username":)" + text(credentials.name) + R"(,"password":)" +
           text(credentials.password.view()) + R"(,"code":)" + text(credentials.code.view()) + '}';
}

void expect_same(const Credentials& credentials, std::string_view text)
{
    const auto again = Credentials::parse(text);
    expect(again && again->name == credentials.name);
    expect(again->password.view() == credentials.password.view());
    expect(again->code.view() == credentials.code.view());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto credentials = Credentials::parse(text);
    if (!credentials) return 0;

    expect_same(*credentials, plainly(*credentials));
    const std::string open(text.substr(0, text.rfind('}')));
    expect_same(*credentials, open + " }\n");
    for (const auto* const member : {R"("code":"1")", R"("\u0063ode":1)", R"("x":null)"}) {
        expect(!Credentials::parse(open + ',' + member + '}'));
    }
    expect(!Credentials::parse(open));
    return 0;
}
