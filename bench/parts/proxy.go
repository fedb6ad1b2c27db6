// The proxy as Go's users write it, for comparison: io.Copy each way, a goroutine each. Ends with its stdin.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"os"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for {
		client, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer client.Close()
			upstream, err := net.Dial("tcp", os.Args[1])
			if err != nil {
				return
			}
			defer upstream.Close()
			done := make(chan struct{})
			go func() {
				io.Copy(upstream, client)
				upstream.(*net.TCPConn).CloseWrite()
				close(done)
			}()
			io.Copy(client, upstream)
			client.(*net.TCPConn).CloseWrite()
			<-done
		}()
	}
}
