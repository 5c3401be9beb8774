#include "server/auth/password_policy.hpp"

#include <zxcvbn.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "common/text.hpp"

namespace securelogin::auth {
namespace {

constexpr std::size_t kShortestContextWord = 4;  // octets; shorter ones are in everything
// The estimator's time grows with a high power of the length: 2 ms for the worst of 48 octets that was found,
// 100 ms and more of 100.  What the first ones are worth, the whole is worth at least.
constexpr std::size_t kEstimatedOctets = 48;

struct FreeMatches {
    void operator()(ZxcMatch_t* matches) const noexcept { ZxcvbnFreeInfo(matches); }
};

bool is_printable_text(std::string_view text) noexcept
{
    while (!text.empty()) {
        const auto decoded = decode_utf8(text);
        if (!decoded || !is_printable(decoded->code_point)) return false;
        text.remove_prefix(decoded->octets);
    }
    return true;
}

/// Unicode's space separators other than U+0020.
bool is_wide_blank(std::int32_t code_point) noexcept
{
    return code_point == 0xA0 || code_point == 0x1680 || (code_point >= 0x2000 && code_point <= 0x200A) ||
           code_point == 0x202F || code_point == 0x205F || code_point == 0x3000;
}

/// RFC 8265 section 4.2.2, rule 2: keyboards differ in which blank they make of the same keys.
/// REQUIRES: well-formed UTF-8.
void make_blanks_plain(Secret& text) noexcept
{
    const auto octets = text.chars();
    std::size_t kept = 0;
    for (std::size_t at = 0; at < octets.size();) {
        const auto character = decode_utf8(text.view().substr(at));
        const auto size = character ? character->octets : 1;
        if (character && is_wide_blank(character->code_point)) {
            octets[kept++] = ' ';
        } else {
            for (std::size_t octet = 0; octet < size; ++octet) octets[kept++] = octets[at + octet];
        }
        at += size;
    }
    text.truncate(kept);
}

/// The words themselves and their parts: of `auth.example.net`, an attacker tries `example`, too.
std::vector<std::string> words_and_parts(std::span<const std::string> context)
{
    const auto separates = [](char c) { return c == '.' || c == '-' || c == '_' || c == ' '; };
    std::vector<std::string> words;
    for (const auto& word : context) {
        words.push_back(word);
        for (auto begin = word.begin(); begin != word.end();) {
            const auto end = std::find_if(begin, word.end(), separates);
            words.emplace_back(begin, end);
            begin = end == word.end() ? end : end + 1;
        }
    }
    std::erase_if(words, [](const auto& word) { return word.size() < kShortestContextWord; });
    return words;
}

/// What the greater part of a password is, for its owner.
std::string_view describe(const ZxcMatch_t& match) noexcept
{
    if ((match.Type & MULTIPLE_MATCH) != 0) return "repetition";
    switch (match.Type) {
        case DICTIONARY_MATCH:
        case DICT_LEET_MATCH:
            return "common words or a common password";
        case USER_MATCH:
        case USER_LEET_MATCH:
            return "your name, or this server's";
        case REPEATS_MATCH:
            return "repetition";
        case SEQUENCE_MATCH:
            return "a sequence, like abcd or 1234";
        case SPATIAL_MATCH:
            return "keys that are neighbours";
        case DATE_MATCH:
        case YEAR_MATCH:
            return "a date";
        default:
            return "too few characters";
    }
}

std::string_view longest_part(const ZxcMatch_t* matches) noexcept
{
    const auto* longest = matches;
    for (const auto* match = matches; match != nullptr; match = match->Next) {
        if (match->Length > longest->Length) longest = match;
    }
    return longest != nullptr ? describe(*longest) : "too few characters";
}

/// What makes it easy to guess; nothing when it is not.
std::optional<std::string_view> weakness(const Secret& password, std::span<const std::string> context)
{
    const auto words = words_and_parts(context);
    std::vector<const char*> dictionary;
    dictionary.reserve(words.size() + 1);
    for (const auto& word : words) dictionary.push_back(word.c_str());
    dictionary.push_back(nullptr);
    const auto estimated = password.view().substr(0, kEstimatedOctets);
    Secret terminated(estimated.size() + 1);
    std::ranges::copy(estimated, terminated.chars().begin());

    ZxcMatch_t* found = nullptr;
    const double guesses_log2 = ZxcvbnMatch(terminated.chars().data(), dictionary.data(), &found);
    const std::unique_ptr<ZxcMatch_t, FreeMatches> matches(found);
    if (guesses_log2 >= std::log2(kFewestGuesses)) return std::nullopt;
    return longest_part(matches.get());
}

}  // namespace

std::optional<Secret> prepare_password(std::string_view typed)
{
    auto prepared = nfc(typed);
    if (!prepared) return std::nullopt;
    make_blanks_plain(*prepared);
    if (count_code_points(prepared->view()) > kLongestPassword) return std::nullopt;
    return prepared;
}

std::optional<std::string> why_refused(const Secret& password, std::span<const std::string> context)
{
    const auto length = count_code_points(password.view());
    if (length < kShortestPassword) {
        return "It is too short: use at least " + std::to_string(kShortestPassword) +
               " characters; four or five words are better.";
    }
    if (length > kLongestPassword) {
        return "It is too long: use at most " + std::to_string(kLongestPassword) + " characters.";
    }
    if (!is_printable_text(password.view())) {
        return "It has a character in it that cannot be seen: use letters, digits, blanks and signs.";
    }
    if (const auto why = weakness(password, context)) {
        return "It is too easy to guess, being mostly " + std::string(*why) +
               ": use four or more words that have nothing to do with each other.";
    }
    return std::nullopt;
}

Secret generate_password(Random& random)
{
    constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";  // 32 symbols, 5 bits each
    constexpr std::size_t groups = 5, group_size = 4;
    Secret draws(groups * group_size);
    random.fill(draws.bytes());
    Secret password(groups * (group_size + 1) - 1);
    auto out = password.chars().begin();
    for (std::size_t at = 0; at < draws.size(); ++at) {
        if (at > 0 && at % group_size == 0) *out++ = '-';
        *out++ = alphabet[draws.bytes()[at] % alphabet.size()];
    }
    return password;
}

}  // namespace securelogin::auth
