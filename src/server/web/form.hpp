// form.hpp: what a form, or the query of a target, carries (application/x-www-form-urlencoded, WHATWG URL
// section 5).
//
// Strict: a field that is there twice, a `%` that begins no octet or more than kMostFields make it malformed.
// Pure; the values are wiped with the form.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/secret.hpp"

namespace securelogin::web {

class Form {
  public:
    static constexpr std::size_t kMostFields = 16;

    /// Nothing when it is malformed.
    [[nodiscard]] static std::optional<Form> parse(std::string_view text);

    /// Empty where there is none.
    [[nodiscard]] std::string_view operator[](std::string_view name) const noexcept;
    [[nodiscard]] Secret secret(std::string_view name) const { return Secret::copy_of((*this)[name]); }
    [[nodiscard]] std::string text(std::string_view name) const { return std::string((*this)[name]); }

  private:
    std::vector<std::pair<std::string, Secret>> fields_;
};

}  // namespace securelogin::web
