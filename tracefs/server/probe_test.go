package server_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// probe is something that programs do and that a file system of one's own gets
// wrong easily. The script succeeds if it works.
type probe struct {
	name   string
	needs  []string
	root   bool // needs root outside of any user namespace
	script string
}

var probes = []probe{
	{name: "shared mmap", needs: []string{"python3"}, script: `python3 -c "
import mmap,os
f=os.open('mm',os.O_RDWR|os.O_CREAT,0o644); os.ftruncate(f,8192)
m=mmap.mmap(f,8192); m[0:5]=b'hello'; m[4096:4100]=b'page'; m.flush()
assert open('mm','rb').read()[:5]==b'hello'
m.close(); os.close(f)
assert open('mm','rb').read()[4096:4100]==b'page'"`},
	{name: "O_TMPFILE", needs: []string{"python3"}, script: `python3 -c "
import os
f=os.open('.',os.O_RDWR|os.O_TMPFILE,0o644); os.write(f,b'x'); assert os.fstat(f).st_size==1"`},
	{name: "hard links", script: `echo a >h1; ln h1 h2; echo bb >>h2
		test $(stat -c %s h1) = 5; test $(stat -c %h h1) = 2; test $(stat -c %i h1) = $(stat -c %i h2); rm h1; test "$(cat h2)" = "a
bb"`},
	{name: "rename over an open file", needs: []string{"python3"}, script: `python3 -c "
import os
a=open('ra','w+'); a.write('old'); a.flush()
b=open('rb','w'); b.write('new'); b.close()
os.rename('rb','ra'); a.write('more'); a.flush(); a.seek(0)
assert a.read()=='oldmore'
assert os.fstat(a.fileno()).st_size==7
assert open('ra').read()=='new'"`},
	{name: "unlinked open file", needs: []string{"python3"}, script: `python3 -c "
import os
a=open('ua','w+'); a.write('old'); a.flush(); os.unlink('ua'); a.write('x'); a.flush(); a.seek(0)
assert a.read()=='oldx'
os.ftruncate(a.fileno(),1)
assert os.fstat(a.fileno()).st_size==1
assert os.fstat(a.fileno()).st_nlink==0
os.fchmod(a.fileno(),0o600); os.utime(a.fileno(),(1,2))
assert os.fstat(a.fileno()).st_mtime==2"`},
	{name: "renamed folder", script: `mkdir -p d1/x; echo 1 >d1/x/f; cat d1/x/f; mv d1 d2; cat d2/x/f
		cd d2/x; mv ../../d2 ../../d1; cat f; pwd -P | grep -q d1/x`},
	{name: "inode numbers used again", script: `for i in 1 2 3 4 5 6; do rm -rf rr; mkdir rr; rmdir rr; echo $i >rr; test $(cat rr) = $i; rm rr; ln -s zz$i rr; test $(readlink rr) = zz$i; done`},
	{name: "locks", needs: []string{"python3"}, script: `python3 -c "
import fcntl,os
a=open('lk','w'); fcntl.flock(a,fcntl.LOCK_EX)
b=open('lk','w')
try:
  fcntl.flock(b,fcntl.LOCK_EX|fcntl.LOCK_NB); raise SystemExit('not exclusive')
except BlockingIOError: pass
fcntl.flock(a,fcntl.LOCK_UN); fcntl.flock(b,fcntl.LOCK_EX|fcntl.LOCK_NB)
fcntl.lockf(a,fcntl.LOCK_EX)
pid=os.fork()
if pid==0:
  try:
    fcntl.lockf(open('lk','w'),fcntl.LOCK_EX|fcntl.LOCK_NB); os._exit(1)
  except OSError: os._exit(0)
assert os.waitpid(pid,0)[1]==0"`},
	{name: "extended attributes", needs: []string{"python3"}, script: `python3 -c "
import os
open('xa','w').close(); os.setxattr('xa','user.a',b'b')
assert os.getxattr('xa','user.a')==b'b'
assert 'user.a' in os.listxattr('xa')
os.removexattr('xa','user.a'); assert 'user.a' not in os.listxattr('xa')"`},
	{name: "setuid program", root: true, needs: []string{"setpriv"}, script: `cp $(command -v id) suid; chmod 4755 suid
		test "$(setpriv --reuid 65534 --clear-groups ./suid -u)" = 0`},
	{name: "unix socket", needs: []string{"python3"}, script: `python3 -c "
import socket
s=socket.socket(socket.AF_UNIX); s.bind('so'); s.listen(); c=socket.socket(socket.AF_UNIX); c.connect('so')
a,_=s.accept(); c.send(b'x'); assert a.recv(1)==b'x'"`},
	{name: "fifo", script: `mkfifo ff; (echo hi >ff &); test "$(timeout 5 cat ff)" = hi`},
	{name: "device", root: true, script: `mknod nn c 1 3; echo x >nn; test -c nn`},
	{name: "/dev/null", script: `echo x >/dev/null`},
	{name: "/proc/self", script: `readlink /proc/self/cwd; readlink /proc/self/exe; pwd -P`},
	{name: "gcc", needs: []string{"gcc"}, script: `echo "int main(){return 0;}" >g.c; gcc -g -O2 g.c -o g; ./g`},
	{name: "git", needs: []string{"git"}, script: `git init -q gt; cd gt; echo a >a; git add a; git -c user.email=a@b -c user.name=n commit -qm x
		test -z "$(git status --short)"; git log --oneline | grep -c x; git gc -q; git fsck`},
	// As an ordinary user this would first compile the standard library.
	{name: "go build", root: true, needs: []string{"go"}, script: `mkdir go; cd go; printf "package main\nfunc main(){println(1)}\n" >m.go; printf "module h\n" >go.mod
		GOFLAGS=-mod=mod GOTOOLCHAIN=local go build -o hh . && ./hh`},
	{name: "inotify", needs: []string{"python3"}, script: `python3 -c "
import ctypes,select
l=ctypes.CDLL(None); f=l.inotify_init(); w=l.inotify_add_watch(f,b'.',0x100|0x2)
open('ino','w').write('x'); r,_,_=select.select([f],[],[],5); assert r"`},
	{name: "fallocate", needs: []string{"fallocate"}, script: `fallocate -l 8192 fa; test $(stat -c %s fa) = 8192`},
	{name: "append", script: `echo a >ap; echo b >>ap; echo c >>ap; test "$(cat ap | tr -d '\n')" = abc`},
	{name: "append by two", script: `for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5 6 7 8 9 10; do echo line >>two; done) & done; wait; test $(wc -l <two) = 80`},
	{name: "sparse copy", script: `truncate -s 1M sp; echo x >>sp; cp --sparse=always --reflink=auto sp sp2; cmp sp sp2`},
	{name: "times", script: `touch -d 2001-01-01 mt; cp -p mt mt2; test $(stat -c %Y mt) = $(stat -c %Y mt2)`},
	{name: "text file busy", script: `cp $(command -v sleep) sl; ./sl 5 & sleep 0.3; if echo x >sl; then kill $!; exit 1; fi; kill $!`},
	{name: "removed working directory", script: `mkdir dd; cd dd; rmdir ../dd; ls; cd ..`},
	{name: "exchange", needs: []string{"python3"}, script: `python3 -c "
import ctypes
open('e1','w').write('1'); open('e2','w').write('2')
l=ctypes.CDLL(None,use_errno=True); assert l.renameat2(-100,b'e1',-100,b'e2',2)==0,ctypes.get_errno()
assert open('e1').read()=='2'"`},
	{name: "write, then stat", script: `for i in 1 2 3; do head -c $((i*1000)) /dev/zero >ws; test $(stat -c %s ws) = $((i*1000)); done`},
	{name: "ar", needs: []string{"gcc"}, script: `echo "int f;" >f.c; gcc -c f.c; ar cr l.a f.o; ranlib l.a; test "$(ar t l.a)" = f.o; ar r l.a f.o`},
	{name: "file capabilities", root: true, needs: []string{"setcap"}, script: `cp /bin/true tc; setcap cap_net_raw+ep tc; getcap tc | grep -q net_raw`},
	{name: "lsattr", needs: []string{"lsattr"}, script: `touch la; lsattr la`},
	{name: "executable mappings", script: `grep -q libc.so /proc/self/maps`},
	{name: "df", script: `df . | tail -1 | grep -q '[0-9]'`},
	{name: "chown", root: true, script: `touch ch; chown 65534:65533 ch; test $(stat -c %u:%g ch) = 65534:65533`},
	{name: "files of another user", root: true, needs: []string{"setpriv"}, script: `mkdir pub; chmod 1777 pub
		setpriv --reuid 65534 --regid 65534 --clear-groups sh -ec 'touch pub/nbf; mkdir pub/d; ln -s x pub/l; mkfifo pub/p; test $(stat -c %u pub/nbf) = 65534; test $(stat -c %u pub/d) = 65534; test $(stat -c %u pub/l) = 65534; test $(stat -c %u pub/p) = 65534; ! touch /etc/nbf'`},
	{name: "setgid folder", root: true, script: `mkdir sg; chgrp 65533 sg; chmod 2775 sg; touch sg/f; mkdir sg/d; test $(stat -c %g sg/f) = 65533; test $(stat -c %g sg/d) = 65533`},
	{name: "umask", script: `umask 027; touch um; mkdir umd; test $(stat -c %a um) = 640; test $(stat -c %a umd) = 750`},
	{name: "world-writable /tmp", script: `f=$(mktemp /tmp/fmake-probe.XXXXXX); echo x >$f; test "$(cat $f)" = x; rm $f`},
	{name: "seek over holes", needs: []string{"python3"}, script: `python3 -c "
import os
f=os.open('ho',os.O_RDWR|os.O_CREAT); os.ftruncate(f,1<<20); os.pwrite(f,b'x',1<<19)
d=os.lseek(f,0,os.SEEK_DATA); assert 0<=d<=1<<19,d"`},
	{name: "copy_file_range", needs: []string{"python3"}, script: `head -c 3000000 /dev/urandom >c1; python3 -c "
import os
a=os.open('c1',os.O_RDONLY); b=os.open('c2',os.O_WRONLY|os.O_CREAT)
while os.copy_file_range(a,b,1<<20): pass"; cmp c1 c2`},
	{name: "large file", script: `head -c 20000000 /dev/urandom >l1; cp l1 l2; cmp l1 l2; test $(stat -c %s l2) = 20000000`},
	{name: "truncate shorter and longer", script: `echo 0123456789 >tr; truncate -s 4 tr; test "$(cat tr)" = 0123; truncate -s 8 tr; test $(stat -c %s tr) = 8; test "$(tr -d '\000' <tr)" = 0123`},
	{name: "make install in /usr", root: true, script: `f=/usr/local/fmake-probe-$$; echo x >$f; test "$(cat $f)" = x; echo y >$f; test "$(cat $f)" = y; mv $f $f.2; rm $f.2; ! test -e $f`},
	{name: "tar", needs: []string{"tar"}, script: `mkdir -p t/a/b; echo 1 >t/a/f; ln -s f t/a/l; ln t/a/f t/a/h; tar cf t.tar t; mv t u; tar xf t.tar; diff -r t u; test $(stat -c %h t/a/h) = 2`},
	{name: "find", script: `mkdir -p f/a/b/c; touch f/a/x f/a/b/y; test $(find f -type f | wc -l) = 2; rm -r f`},
	{name: "deep paths", script: `p=.; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do p=$p/directory-number-$i; mkdir $p; done; echo x >$p/f; cat $p/f`},
	{name: "exec of what was just written", script: `for i in 1 2 3 4 5; do printf '#!/bin/sh\necho %s\n' $i >ex; chmod +x ex; test "$(./ex)" = $i; done`},
	{name: "close-on-exec script", script: `printf '#!/bin/sh\nexec cat "$0"\n' >sc; chmod 755 sc; ./sc | grep -q exec`},
	{name: "unreadable folder", script: `mkdir un; touch un/x; chmod 111 un; test -e un/x; chmod 755 un`},
}

func TestProbes(t *testing.T) {
	b := newBench(t)
	for _, p := range probes {
		t.Run(p.name, func(t *testing.T) {
			have(t, p.needs...)
			if p.root && os.Geteuid() != 0 {
				t.Skip("needs root")
			}
			b := *b
			b.t = t
			b.dir = t.TempDir()
			// What does not work outside of a view need not work in it.
			cmd := exec.Command("/bin/sh", "-ec", p.script)
			cmd.Dir = t.TempDir()
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Skipf("does not work here at all: %v\n%s", err, out)
			}
			v := b.view()
			status, out := b.command(v, []string{"/bin/sh", "-ec", p.script}, nil)
			if status != 0 {
				t.Errorf("status %d\n%s", status, strings.TrimSpace(out))
			}
			b.finish(v)
		})
	}
}
