#include "client/display.hpp"

#include "common/text.hpp"

namespace securelogin::client {
namespace {

constexpr std::string_view kBoldYellow = "\x1b[1;33m";
constexpr std::string_view kPlain = "\x1b[0m";

}  // namespace

void Display::results(std::span<const std::string> lines)
{
    std::string text;
    for (const auto& line : lines) text += printable(line) + '\n';
    if (!text.empty()) results_(text);
}

void Display::say(std::string_view text)
{
    if (style_.interactive) words_(printable(text) + '\n');
}

void Display::draw(std::string_view picture)
{
    if (style_.interactive) words_(picture);
}

void Display::warn(std::string_view text)
{
    const auto shown = "Warning: " + printable(text);
    words_((style_.colour ? std::string(kBoldYellow) + shown + std::string(kPlain) : shown) + '\n');
}

void Display::complain(std::string_view doing, std::string_view why)
{
    const auto prefix = style_.interactive ? std::string() : "securelogin: " + printable(doing) + ": ";
    words_(prefix + printable(why) + '\n');
}

}  // namespace securelogin::client
