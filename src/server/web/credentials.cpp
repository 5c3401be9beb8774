#include "server/web/credentials.hpp"

#include <openssl/crypto.h>

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <vector>

#include "server/web/request_reader.hpp"

namespace securelogin::web {
namespace {

namespace json = boost::json;

std::optional<std::string_view> text_in(const json::object& object, std::string_view key)
{
    const auto* const value = object.if_contains(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string_view(value->get_string().data(), value->get_string().size());
}

/// Texts, names of members included, in what is JSON.
int texts_in(std::string_view text)
{
    int texts = 0;
    bool inside = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (inside && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            inside = !inside;
            if (inside) ++texts;
        }
    }
    return texts;
}

/// Of members with the same name the parser keeps the last, where another may keep the first (RFC 8259
/// section 4): three names and three values are six texts.
std::optional<Credentials> read_credentials(std::string_view text, json::monotonic_resource& memory)
{
    json::error_code error;
    const auto value = json::parse(json::string_view(text), error, &memory);
    if (error || !value.is_object() || value.get_object().size() != 3) return std::nullopt;
    const auto name = text_in(value.get_object(), "username");
    const auto password = text_in(value.get_object(), "password");
    const auto code = text_in(value.get_object(), "code");
    if (!name || !password || !code || texts_in(text) != 6) return std::nullopt;
    return Credentials{
        .name = std::string(*name), .password = Secret::copy_of(*password), .code = Secret::copy_of(*code)};
}

}  // namespace

std::optional<Credentials> Credentials::parse(std::string_view text)
{
    std::vector<unsigned char> octets(4 * RequestReader::kLongestBody);
    json::monotonic_resource memory(octets.data(), octets.size());
    auto credentials = read_credentials(text, memory);
    OPENSSL_cleanse(octets.data(), octets.size());
    wipe_stack();
    return credentials;
}

}  // namespace securelogin::web
