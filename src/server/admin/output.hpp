// output.hpp: results on stdout, some of which are secrets.
//
// A buffer of its own, wiped when it goes; std::cout would leave copies behind.  What the system does not
// take is a Failure: a key that nobody got to see must not look like success.
#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string_view>

#include "common/secret.hpp"

namespace securelogin::admin {

class Output {
  public:
    /// `descriptor` stays the caller's, and open.
    explicit Output(int descriptor);

    /// Throws Failure.
    void write(std::string_view text);
    /// Without a line's end.  Throws Failure.
    void write_json(const boost::json::value& value);
    /// Everything is written when this returns.  Throws Failure.
    void flush();

    [[nodiscard]] bool is_terminal() const noexcept;
    /// Cells in a line; nought where it cannot be told.
    [[nodiscard]] int columns() const noexcept;

  private:
    int descriptor_;
    Secret buffer_;
    std::size_t filled_ = 0;
};

/// A sentence for a person: on stderr where that is a terminal, else nowhere.
void tell(const std::string& sentence);

/// Memory for a JSON value that holds secrets: wiped when it goes.  Must outlive the value.
class JsonMemory {
  public:
    JsonMemory();
    [[nodiscard]] boost::json::storage_ptr storage() noexcept { return &resource_; }

  private:
    Secret memory_;
    boost::json::monotonic_resource resource_;
};

}  // namespace securelogin::admin
