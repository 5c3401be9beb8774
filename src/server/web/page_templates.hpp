// page_templates.hpp: the templates that pages are made from, put together and parsed.
#pragma once

#include <kainjow/mustache.hpp>
#include <string_view>

namespace securelogin::web {

/// The layout with `body`, one of page_texts.hpp's, in it.  Parsed once by each thread, whose own it is: to
/// render one is no constant operation.  Any thread.
[[nodiscard]] kainjow::mustache::mustache& template_of(std::string_view body);

}  // namespace securelogin::web
