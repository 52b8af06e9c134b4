# SPDX-License-Identifier: Apache-2.0
"""slapd with a small tree of the Apache Software Foundation's shape."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from ports import free_port

LDIF = """
dn: dc=apache,dc=org
objectClass: dcObject
objectClass: organization
o: ASF
dc: apache

dn: ou=people,dc=apache,dc=org
objectClass: organizationalUnit
ou: people

dn: uid=jdoe,ou=people,dc=apache,dc=org
objectClass: inetOrgPerson
uid: jdoe
cn: Jane Doe
sn: Doe
mail: jdoe@apache.org
userPassword: pw

dn: ou=groups,dc=apache,dc=org
objectClass: organizationalUnit
ou: groups

dn: ou=project,ou=groups,dc=apache,dc=org
objectClass: organizationalUnit
ou: project

dn: cn=tomcat,ou=project,ou=groups,dc=apache,dc=org
objectClass: posixGroup
cn: tomcat
gidNumber: 5001
memberUid: jdoe
memberUid: asmith

dn: cn=httpd,ou=project,ou=groups,dc=apache,dc=org
objectClass: posixGroup
cn: httpd
gidNumber: 5002
memberUid: jdoe

dn: ou=pmc,ou=project,ou=groups,dc=apache,dc=org
objectClass: organizationalUnit
ou: pmc

dn: cn=tomcat,ou=pmc,ou=project,ou=groups,dc=apache,dc=org
objectClass: groupOfNames
cn: tomcat
member: uid=jdoe,ou=people,dc=apache,dc=org

dn: cn=asf-banned,ou=groups,dc=apache,dc=org
objectClass: posixGroup
cn: asf-banned
gidNumber: 5999
memberUid: badguy
"""

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
{tls}
database mdb
suffix "dc=apache,dc=org"
rootdn "cn=admin,dc=apache,dc=org"
rootpw secret
directory {folder}/db
maxsize 10485760
{hidden}
access to attrs=userPassword by anonymous auth by * none
access to * by {readers} read by anonymous auth
"""

TLS = """
TLSCertificateFile {folder}/certificate.pem
TLSCertificateKeyFile {folder}/key.pem
"""

ADMIN = "cn=admin,dc=apache,dc=org"


class Directory:
    """`readers`: who may read it; "*" or "users".  `nameless`: the dn of an entry whose name nobody may see.  `tls`: ldaps, with a certificate that only its own
    authority, the file `authority`, vouches for."""

    def __init__(self, readers="*", tls=False, nameless=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="einion-ldap-"))
        (self.folder / "db").mkdir()
        self.authority = self.folder / "certificate.pem"
        hidden = f'access to dn.base="{nameless}" attrs=cn by * none' if nameless else ""
        (self.folder / "slapd.conf").write_text(CONF.format(folder=self.folder, readers=readers, hidden=hidden,
                                                            tls=TLS.format(folder=self.folder) if tls else ""))
        if tls:
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "key.pem", "-out", self.authority],
                           check=True, capture_output=True)
        (self.folder / "tree.ldif").write_text(LDIF)
        self.port = free_port()
        self.url = f"{'ldaps' if tls else 'ldap'}://127.0.0.1:{self.port}"
        subprocess.run(["slapadd", "-f", self.folder / "slapd.conf", "-l", self.folder / "tree.ldif"], check=True,
                       capture_output=True, env=self.env)
        self.process = None
        self.start()

    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}

    def start(self):
        log = (self.folder / "log").open("a")
        # 256: each search with its filter
        self.process = subprocess.Popen(["slapd", "-f", self.folder / "slapd.conf", "-h", self.url, "-d", "256"],
                                        stdout=log, stderr=log, env=self.env)
        for _ in range(6000):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def filters(self):
        """The filters of all searches so far."""
        log = (self.folder / "log").read_text()
        return [line.split('filter="')[1].rstrip('"') for line in log.splitlines() if 'filter="' in line]

    def modify(self, changes):
        subprocess.run(["ldapmodify", "-x", "-H", self.url, "-D", ADMIN, "-w", "secret"], input=changes, text=True,
                       check=True, capture_output=True, env=self.env)
