#include "server/admin/help_text.hpp"

namespace securelogin::admin {

const char* const kDescription =
    R"(securelogin-admin - keep the accounts that securelogind lets in

Works on the data directory, with the daemon running or stopped.  What it changes
counts from the daemon's next login on; sessions that it ends, end at once.
`user add` makes the data directory where there is none.
)";

const char* const kFooter = R"(Commands (each has a --help of its own):
  user add NAME         add a user: asks for the password, shows the QR code and
                        the otpauth:// URI
       [--password-stdin | --generate-password] [--qr FILE.png] [--no-terminal-qr]
       [--algorithm sha1|sha256|sha512] [--digits 6|8] [--period SECONDS]
       [--must-change] [--recovery-codes]
  user invite NAME      print an invitation, with which the person enrols alone: chooses
                        a password, scans the QR code, is given recovery codes
       [--expires 24h]
  user list             all users, and who is invited
  user show NAME        one user: state, key, recovery codes left, last login, sessions,
                        wrong codes, devices
  user disable NAME     let in no more; sessions end
  user enable NAME      let in again
  user remove NAME      remove, with key and sessions; take an invitation back
  user passwd NAME      set a new password; sessions end, devices are forgotten
       [--password-stdin | --generate-password] [--must-change]
  user reset-totp NAME  the key, recovery codes and all sessions end, devices are forgotten;
                        prints an invitation to enrol anew; with --qr a new key is made
                        at once
       [--expires 24h | --qr FILE.png [--no-terminal-qr]]
  user forget-device NAME FINGERPRINT | --all
                        a device that is to be a stranger's again (sessions stay)
  session list [NAME]   sessions that stand, everybody's or one user's
  session revoke NAME ID | all
                        end one session of a user, or all; its token ends with it
  session verify        whose token is on stdin: one JSON line; 0 if it is valid, else 77
  audit show            what happened: the newest 100 records
       [--user NAME] [--since TIME] [--event EVENT] [--limit N]
  audit verify          whether the audit is as it was written; else names the
       [--checkpoint ID:MAC]  first record that was changed, dropped or cut off
  audit export          all records as JSON, one a line
       [--after ID]
  import FILE           users out of another program's file: first what would be done;
                        with --apply, all of them or none
       [--from KIND] [--apply] [--skip-bad] [--invitations FILE.csv] [--expires 7d]
  key rotate            a new master key; all secrets are sealed anew while logins go on
  key generate          print a master key, for a credential of systemd's
  backup FILE           a copy of the database, while logins go on; without the master key
  restore FILE          a backup in the place of the database; the daemon is stopped
       [--trust-clock]
  export [FILE]         all accounts as JSON lines, sealed under a passphrase
       [--passphrase-file FILE] [--plain]
  unseal FILE           what a sealed export holds
       [--to FILE] [--passphrase-file FILE]
  doctor                what is wrong here, and what to do about it
  policy explain        the rules for failed attempts, and what they leave to who guesses
  status                where things are, how many users, versions, certificate, clock

The data directory is --data, else the settings', else $STATE_DIRECTORY, else
/var/lib/securelogin for root, else $XDG_STATE_HOME/securelogin, else
~/.local/state/securelogin.  As root, the program becomes the directory's owner
before it touches anything in it.

Results go to stdout, everything else to stderr.  With --json, stdout is one JSON
value.  Options and operands may come in any order.  A password is asked for on
the terminal, or read from stdin with --password-stdin; never given as an option.
The QR code in the terminal is black on white; with NO_COLOR or TERM=dumb it has
no colours and is drawn for a dark background.

Examples:
  securelogin-admin user add alice
      asks for a password, shows the QR code to scan and the otpauth:// URI
  securelogin-admin user add bob --generate-password --qr bob.png
      makes up a password and prints it, once; the QR code also as a file
  printf '%s\n' "$PASSWORD" | securelogin-admin user add carol --password-stdin --json
      for scripts: {"username","otpauth_uri","qr_file"}
  securelogin-admin user invite dave --expires 3d
      prints the invitation and the command for dave to type; nobody else knows
      his password
  securelogin-admin user reset-totp alice
      a lost phone: the old key and all sessions end, and alice enrols anew
  securelogin-admin user list --json | jq -r '.[] | select(.state=="disabled") | .username'
  securelogin-admin audit show --user alice --since 2d
  securelogin-admin audit verify --checkpoint "$CHECKPOINT"
      with an ID:MAC from the log, kept elsewhere: shows a directory put back
  securelogin-admin import userdata.db
      what would become of another program's users; with --apply they are imported
  securelogin-admin key rotate
      after it, back up master.key anew; killed half way, it is run again
  securelogin-admin session revoke alice all
  printf '%s\n' "$TOKEN" | securelogin-admin session verify
  securelogin-admin backup /var/backups/securelogin-$(date +%F).db
  securelogin-admin status --data /srv/login

Exit codes:
  0   done
  1   the audit is not as it was written; doctor has found a problem
  64  wrong usage, or a name that can be nobody's
  65  password or passphrase refused; a file, or rows of it, that cannot be used
  67  no such user, device or session
  70  a fault in this program
  71  out of memory or another of the system's resources
  73  the user, the invitation or the file exists already, or the file cannot be made
  74  reading or writing failed (database, file, pipe)
  75  another program keeps the database locked, or the daemon runs: try again
  77  the token is not valid
  78  settings, data directory or master key missing or unsafe

See also: securelogind(8), securelogin(1), securelogind.toml(5)
)";

}  // namespace securelogin::admin
