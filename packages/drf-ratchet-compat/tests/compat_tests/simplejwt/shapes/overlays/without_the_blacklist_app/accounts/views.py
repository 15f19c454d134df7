from rest_framework.response import Response
from rest_framework.views import APIView


class Protected(APIView):
    def get(self, request):
        return Response({"user": request.user.get_username()})
