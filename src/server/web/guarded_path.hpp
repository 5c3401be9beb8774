// guarded_path.hpp: what a site may take a request's path for.
//
// Rules are for what the site will show, and sites differ: one removes dot segments, one merges slashes, one
// does neither.  So a path has several readings, and rules.hpp asks that all of them come to the same.  What
// could be read in still other ways is no path here.  Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace securelogin::web {

inline constexpr std::size_t kLongestTarget = 8192;  // octets, of path and query

struct GuardedPath {
    /// Percent-decoded once: with dot segments removed (RFC 3986 section 5.2.4); as it came; with runs of
    /// slashes as one; and both.  Each once, the first one first.
    std::vector<std::string> readings;
};

/// Of a request's target: a path and perhaps a query (RFC 9112 section 3.2.1), which is not looked into but
/// must be printable ASCII.  Nothing where it does not begin with a slash, and for invalid escapes, escapes
/// of slash, backslash, controls or of another escape, backslashes, fragments, `..` above the root, and dot
/// segments with parameters (`..;`, which Tomcat takes for `..`).
[[nodiscard]] std::optional<GuardedPath> read_path(std::string_view target);

}  // namespace securelogin::web
