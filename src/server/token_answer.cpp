#include "server/token_answer.hpp"

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serializer.hpp>
#include <cstddef>

#include "server/auth/time_text.hpp"

namespace securelogin {
namespace {

namespace json = boost::json;

/// An object in memory of its own, so that an answer costs no allocation.
class Answer {
  public:
    explicit Answer(bool valid) { object_.emplace("valid", valid); }

    void add(std::string_view key, std::string_view value) { object_.emplace(key, value); }

    void append_to(std::string& out) const
    {
        json::serializer serializer;
        serializer.reset(&object_);
        std::array<char, kLongest>
            chunk;  // NOLINT(cppcoreguidelines-pro-type-member-init): written by read()
        while (!serializer.done()) {
            const auto text = serializer.read(chunk.data(), chunk.size());
            out.append(text.data(), text.size());
        }
    }

  private:
    static constexpr std::size_t kMemory = 1024;  // octets: more than any answer takes
    static constexpr std::size_t kLongest = 256;

    std::array<unsigned char, kMemory> memory_;
    json::monotonic_resource resource_{memory_.data(), memory_.size()};
    json::object object_{5, &resource_};
};

}  // namespace

void append_answer(std::string& out, const auth::TokenVerdict& verdict)
{
    if (verdict.malformed) return append_refusal(out, kNotAToken);
    Answer answer(verdict.holder.has_value());
    if (const auto& holder = verdict.holder) {
        answer.add("user", holder->name.str());
        answer.add("session", holder->session);
        answer.add("expires", auth::to_rfc3339(holder->expires_at));
    }
    answer.append_to(out);
}

void append_refusal(std::string& out, std::string_view why)
{
    Answer answer(false);
    answer.add("error", why);
    answer.append_to(out);
}

}  // namespace securelogin
