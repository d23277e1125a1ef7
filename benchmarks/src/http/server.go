// The three routes with net/http.
package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
)

type item struct {
	ID    int    `json:"id"`
	Name  string `json:"name"`
	Price int    `json:"price"`
}

type heavy struct {
	Result int64 `json:"result"`
}

func send(writer http.ResponseWriter, body any) {
	// Not an Encoder, which ends with a line break.
	text, err := json.Marshal(body)
	if err != nil {
		http.Error(writer, err.Error(), 500)
		return
	}
	writer.Header().Set("Content-Type", "application/json")
	writer.Write(text)
}

func numbered(path string, serve func(http.ResponseWriter, int)) {
	http.HandleFunc(path, func(writer http.ResponseWriter, request *http.Request) {
		number, err := strconv.Atoi(strings.TrimPrefix(request.URL.Path, path))
		if err != nil {
			http.NotFound(writer, request)
			return
		}
		serve(writer, number)
	})
}

func main() {
	sendItem := func(writer http.ResponseWriter, id int) {
		send(writer, item{id, fmt.Sprintf("item %d", id), id * 3})
	}
	numbered("/items/", sendItem)
	numbered("/hop/", sendItem)
	numbered("/heavy/", func(writer http.ResponseWriter, times int) {
		number := int64(1)
		for time := 0; time < times; time++ {
			number = number * 48271 % 2147483647
		}
		send(writer, heavy{number})
	})
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], nil); err != nil {
		panic(err)
	}
}
