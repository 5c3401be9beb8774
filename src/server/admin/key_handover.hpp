// key_handover.hpp: a new TOTP key on its way to its owner: as a URI, a picture in the terminal, a picture in
// a file.
//
// In this order, so that nobody is ever enrolled with a key that nobody has:
//   constructor   the file's name is taken
//   prepare       everything is drawn, and the file is on disk
//   (the caller commits the account)
//   hand_over     the file stays; URI and picture are shown
// Left before hand_over, no file stays behind.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <optional>
#include <string>

#include "common/secret.hpp"
#include "server/admin/new_file.hpp"
#include "server/admin/options.hpp"
#include "server/admin/output.hpp"

namespace securelogin::admin {

class KeyHandover {
  public:
    /// Throws Failure.  REQUIRES: the program has no other threads yet, and still the rights it was started
    /// with.
    explicit KeyHandover(const QrOptions& options);

    /// Throws Failure.
    void prepare(Secret uri);

    /// The account has the key.  Adds `otpauth_uri` and `qr_file` (null where there is none) to `result`.
    void hand_over(boost::json::object& result);
    /// The same for people: picture (where `output` is a terminal wide enough) and URI.  Throws Failure.
    void hand_over(Output& output);

  private:
    void keep() noexcept;
    void draw(Output& output) const;

    bool in_terminal_;
    std::unique_ptr<NewFile> file_;
    Secret uri_;
};

}  // namespace securelogin::admin
