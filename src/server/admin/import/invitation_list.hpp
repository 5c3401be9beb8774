// invitation_list.hpp: the invitations of an import, and the file that they are handed over in.
//
// Mode 0600, never over an existing file, there whole or not at all (new_file.hpp): a header line
// `name,invitation` and a line for each.  Nowhere else are they ever seen.  One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>

#include "common/secret.hpp"
#include "server/admin/new_file.hpp"
#include "server/auth/invitation.hpp"
#include "server/auth/store.hpp"
#include "server/auth/user_name.hpp"

namespace securelogin::admin {

class InvitationList {
  public:
    /// Throws Failure.  REQUIRES: as for NewFile.
    explicit InvitationList(const std::filesystem::path& file);

    /// An invitation for `name`, in the transaction and in the list.  Throws Failure, auth::StoreError.
    void invite(auth::Transaction& transaction, const auth::Invitations& invitations,
                const auth::UserName& name, std::chrono::seconds lasts);

    /// All of it is on disk when this returns.  Throws Failure.
    void flush();
    /// It stays: the invitations are good.
    void keep() noexcept { file_.keep(); }

  private:
    void write(std::string_view text);

    NewFile file_;
    Secret buffer_;
    std::size_t filled_ = 0;
};

}  // namespace securelogin::admin
