#include "server/admin/import/invitation_list.hpp"

#include <algorithm>

namespace securelogin::admin {
namespace {

constexpr std::size_t kBufferSize = 65536;  // octets

/// The one place where an import and invitations meet: the row, and what the person gets.
Secret make_invitation(auth::Transaction& transaction, const auth::Invitations& invitations,
                       const auth::UserName& name, std::chrono::seconds lasts)
{
    auto prepared = invitations.prepare(name, lasts);
    transaction.save_invitation(prepared.invitation);
    return std::move(prepared.text);
}

}  // namespace

InvitationList::InvitationList(const std::filesystem::path& file) : file_(file), buffer_(kBufferSize)
{
    write("name,invitation\n");
}

void InvitationList::invite(auth::Transaction& transaction, const auth::Invitations& invitations,
                            const auth::UserName& name, std::chrono::seconds lasts)
{
    const auto text = make_invitation(transaction, invitations, name, lasts);
    write(name.str());
    write(",");
    write(text.view());
    write("\n");
}

void InvitationList::write(std::string_view text)
{
    if (filled_ + text.size() > buffer_.size()) flush();
    std::ranges::copy(text, buffer_.chars().begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += text.size();
}

void InvitationList::flush()
{
    file_.write(buffer_.view().substr(0, filled_));
    filled_ = 0;
}

}  // namespace securelogin::admin
