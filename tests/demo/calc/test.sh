# test.sh CALC: prints "ok", or what is wrong.
check() {
	got=$("$calc" "$@" 2>&1 | tail -n 1)
	case $got in
	"$want"*) ;;
	*) echo "calc $*: $got, want $want"; failed=1 ;;
	esac
}
calc=$1 failed=0
want=7. check '1 + 2 * 3'
want=512. check '2 ^ 3 ^ 2'
want=-4. check '-square(2)'
want=5. check 'a = 2' 'b = a + 1' 'a + b'
want=1. check 'cos(0)'
want=undefined check 'unknown + 1'
want='calc: 1 +' check '1 +'
[ $failed = 0 ] && echo ok
exit $failed
